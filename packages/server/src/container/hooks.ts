/** Programs that run while a container is made: those of the configuration, then those that the create names. */
import { HookPoint as WirePoint, WardenError, type RequestOf, type Type } from 'warden-protocol';
import type { HookDescription } from '../host/container-description.js';
import type { HookPrograms } from '../host/host.js';
import type { HookPoint } from '../lib/hook-points.js';
import { formatIpv4Address } from '../lib/ipv4.js';
import type { ContainerIdentification } from './container.js';

/** Of one create; with those of the configuration no more than a monitor takes (32). */
const hookLimit = 16;
const argumentLimit = 63;
const argumentLimitInBytes = 4096;
const defaultTimeoutMs = 10_000;
const longestTimeoutMs = 600_000;

const points = new Map<number, HookPoint>([
  [WirePoint.PARENT_BEFORE_CLONE, 'parent_before_clone'],
  [WirePoint.PARENT_AFTER_CLONE, 'parent_after_clone'],
  [WirePoint.CHILD_BEFORE_PIVOT, 'child_before_pivot'],
  [WirePoint.CHILD_AFTER_PIVOT, 'child_after_pivot'],
]);

/** A hook as a create names it. */
export interface HookOrder {
  readonly point: HookPoint;
  /** A name in the directory of the server's hooks. */
  readonly program: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
}

/** Pure. @throws WardenError invalid_argument, not_found */
export function checkHooks(hooks: RequestOf<Type.Create>['hooks']): HookOrder[] {
  if (hooks.length > hookLimit) throw new WardenError('invalid_argument', `hooks: ${hooks.length} are too many, the limit is ${hookLimit}`);
  return hooks.map(({ point: number, program, args, timeoutMs }) => {
    const point = points.get(number);
    if (point === undefined) throw new WardenError('invalid_argument', `hooks: there is no point ${number}`);
    // A name, never a path: what runs is the choice of whoever fills that directory.
    if (program === '' || program === '.' || program === '..' || program.includes('/') || program.includes('\0') || Buffer.byteLength(program) > 255) {
      throw new WardenError('not_found', `hook ${program} not found: name a program in the server's directory of hooks (hooks.programs_path)`);
    }
    if (args.length > argumentLimit) throw new WardenError('invalid_argument', `hooks: ${args.length} arguments are too many, the limit is ${argumentLimit}`);
    const bad = args.find((argument) => argument.includes('\0') || Buffer.byteLength(argument) > argumentLimitInBytes);
    if (bad !== undefined) throw new WardenError('invalid_argument', `hooks: an argument must have no NUL byte and at most ${argumentLimitInBytes} bytes`);
    if (timeoutMs !== undefined && (timeoutMs < 1n || timeoutMs > longestTimeoutMs)) throw new WardenError('invalid_argument', `hooks: timeout_ms must be 1 to ${longestTimeoutMs}`);
    return { point, program, args, timeoutMs: timeoutMs === undefined ? defaultTimeoutMs : Number(timeoutMs) };
  });
}

/** @throws WardenError not_found, permission */
export function describeHooks(configured: readonly HookDescription[], orders: readonly HookOrder[], programs: HookPrograms): HookDescription[] {
  const named = orders.map(({ point, program, args, timeoutMs }) => ({ point, command: [programs.find(program), ...args], timeoutMs }));
  return [...configured, ...named];
}

/** What hooks get on standard input, but for what the monitor adds: `hook`, and where they are known `pid` and `root`. */
export function hookInputOf({ id, handle, directory, network, identity, link, rootfsPath, bindMounts, graceTimeMs }: ContainerIdentification): string {
  return JSON.stringify({
    version: 1,
    id,
    handle,
    directory,
    rootfs: rootfsPath,
    grace_time_ms: graceTimeMs,
    host_ip: formatIpv4Address(network.hostAddress),
    container_ip: formatIpv4Address(network.containerAddress),
    host_interface: link.hostName,
    container_interface: link.containerName,
    vcap_uid: identity.uid,
    root_uid: identity.firstSubuid,
    bind_mounts: bindMounts.map(({ source, destination, mode }) => ({ src_path: source, dst_path: destination, mode })),
  });
}

