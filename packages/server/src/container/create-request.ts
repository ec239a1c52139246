/** What can be said about a create request without looking at the machine. Pure. */
import { WardenError, type RequestOf, type Type } from 'warden-protocol';
import { parseIpv4Address, type Ipv4Address } from '../lib/ipv4.js';
import { checkBindMounts, type BindMount } from './bind-mounts.js';
import { checkHooks, type HookOrder } from './hooks.js';
import { checkLabels, type Labels } from './labels.js';

const handleLimitInBytes = 256;
const pathLimitInBytes = 4095;

/** A create request that was checked. */
export interface CreateOrder {
  /** Undefined: one is to be made up. */
  readonly handle: string | undefined;
  readonly graceTimeMs: number | null | undefined;
  readonly rootfsPath: string | undefined;
  readonly bindMounts: readonly BindMount[];
  readonly hooks: readonly HookOrder[];
  readonly labels: Labels;
  /** Undefined: it has no end. */
  readonly ttlMs: number | undefined;
  readonly address: { readonly text: string; readonly value: Ipv4Address } | undefined;
}

/** @throws WardenError invalid_argument or unsupported */
export function checkCreateRequest(request: RequestOf<Type.Create>): CreateOrder {
  if (request.handle !== undefined) checkHandle(request.handle);
  if (request.pull !== undefined || request.registryAuth !== undefined) {
    throw new WardenError('invalid_argument', 'pull, registry_auth: only with a rootfs of a registry, docker://REFERENCE');
  }
  return {
    handle: request.handle,
    graceTimeMs: request.graceTime === undefined ? undefined : request.graceTime * 1000,
    rootfsPath: request.rootfs === undefined ? undefined : checkRootfs(request.rootfs),
    bindMounts: checkBindMounts(request.bindMounts),
    hooks: checkHooks(request.hooks),
    labels: checkLabels(request.labels),
    ttlMs: request.ttl === undefined ? undefined : checkTtl(request.ttl),
    address: request.network === undefined ? undefined : checkNetwork(request.network),
  };
}

/**
 * A handle is 1 to 256 bytes of UTF-8 without control characters; any such text is just a name.
 * @throws WardenError invalid_argument
 */
export function checkHandle(handle: string): void {
  if (handle === '') throw new WardenError('invalid_argument', 'handle: must not be empty; leave it out to get a generated one');
  const size = Buffer.byteLength(handle);
  if (size > handleLimitInBytes) throw new WardenError('invalid_argument', `handle: ${size} bytes are too long, the limit is ${handleLimitInBytes}`);
  // Cc: C0 and C1 controls and DEL, which would garble logs and terminals.
  if (/\p{Cc}/u.test(handle)) throw new WardenError('invalid_argument', 'handle: must not contain control characters');
}

/** A directory's path, `image:` with an image's name or id, or a name that a directory was given; what is none of these names nothing. */
function checkRootfs(text: string): string {
  const isPath = text.startsWith('/') && Buffer.byteLength(text) <= pathLimitInBytes;
  if (text.includes('\0') || (!isPath && !/^(?:image:[A-Za-z0-9[][^\s]{0,1023}|[A-Za-z0-9][A-Za-z0-9._-]{0,127})$/.test(text))) {
    throw new WardenError('not_found', `rootfs ${text} not found`);
  }
  return text;
}

function checkTtl(seconds: number): number {
  if (seconds === 0) throw new WardenError('invalid_argument', 'ttl: a container cannot live for 0 seconds; leave it out for one without an end');
  return seconds * 1000;
}

function checkNetwork(text: string): { text: string; value: Ipv4Address } {
  const value = parseIpv4Address(text);
  if (value === undefined) throw networkRefused(text);
  return { text, value };
}

export function networkRefused(text: string): WardenError {
  return new WardenError('invalid_argument', `Could not acquire network: ${text}`);
}
