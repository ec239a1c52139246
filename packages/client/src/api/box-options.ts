// What a box is made with.
import { BindMountMode, HookPoint, PullPolicy, type RegistryAuth, type RequestInit, type Type } from 'warden-protocol';
import { wholeNumber } from '../job-request.js';
import { type Labels, wireLabels } from './labels.js';
import type { Limits } from './limits.js';
import type { Reach } from './network.js';

/** A file or directory of the server's host that appears in a box. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  /** The box may write to it; false unless given. */
  readonly writable?: boolean | undefined;
}

/** A program of the server's that runs while the box is made. */
export interface Hook {
  readonly point: 'parent_before_clone' | 'parent_after_clone' | 'child_before_pivot' | 'child_after_pivot';
  /** Its name in the server's directory of hooks. */
  readonly program: string;
  readonly args?: readonly string[] | undefined;
  /** Milliseconds it may take; 10,000 unless given. */
  readonly timeoutMs?: number | undefined;
}

export interface BoxOptions {
  /** Its name; generated unless given. */
  readonly handle?: string | undefined;
  /** Another root file system than the configured one: a path, the name of one, `image:NAME`, or `docker://REFERENCE`. */
  readonly rootfs?: string | undefined;
  /** When `docker://REFERENCE` is fetched: `missing` unless given. */
  readonly pull?: 'missing' | 'always' | 'never' | undefined;
  /** For `docker://REFERENCE`. */
  readonly registryAuth?: RegistryAuth | undefined;
  readonly mounts?: readonly Mount[] | undefined;
  /** Run in order, behind those of the server's configuration. */
  readonly hooks?: readonly Hook[] | undefined;
  readonly limits?: Limits | undefined;
  readonly network?: {
    /** An address of the pool, which picks its network. */
    readonly address?: string | undefined;
    /** What it may reach. */
    readonly allow?: readonly Reach[] | undefined;
    /** Its ports that get a port of the host; box.network.exposed() tells which. */
    readonly expose?: readonly number[] | undefined;
  } | undefined;
  /** Notes that stay with it: at most 64 names, with values of at most 1 KiB. */
  readonly labels?: Labels | undefined;
  /** Seconds it lives on when nobody is connected to it any more; the server's unless given. */
  readonly graceTimeSeconds?: number | undefined;
  /** Seconds from now on after which it is destroyed, used or not; from 1, never unless given. */
  readonly ttlSeconds?: number | undefined;
}

const POINTS = {
  parent_before_clone: HookPoint.PARENT_BEFORE_CLONE, parent_after_clone: HookPoint.PARENT_AFTER_CLONE, child_before_pivot: HookPoint.CHILD_BEFORE_PIVOT, child_after_pivot: HookPoint.CHILD_AFTER_PIVOT,
} as const;
const PULLS = { missing: PullPolicy.MISSING, always: PullPolicy.ALWAYS, never: PullPolicy.NEVER } as const;

/** The request, without limits and rules, which have requests of their own. Throws invalid_argument. */
export function createRequest({ handle, rootfs, pull, registryAuth, mounts = [], hooks = [], network, labels, graceTimeSeconds, ttlSeconds }: BoxOptions): RequestInit<Type.Create> {
  return {
    handle,
    rootfs,
    network: network?.address,
    graceTime: graceTimeSeconds,
    ttl: ttlSeconds,
    registryAuth,
    ...(pull === undefined ? {} : { pull: PULLS[pull] }),
    labels: wireLabels(labels),
    bindMounts: mounts.map(({ source, target, writable }) => ({ srcPath: source, dstPath: target, mode: writable === true ? BindMountMode.RW : BindMountMode.RO })),
    hooks: hooks.map(({ point, program, args = [], timeoutMs }) => ({ point: POINTS[point], program, args, ...(timeoutMs === undefined ? {} : { timeoutMs: wholeNumber('timeoutMs', timeoutMs) }) })),
  };
}
