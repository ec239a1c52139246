/**
 * Resource limits of a job: the table every job begins with, overridden by the configuration, overridden by the request.
 * Hard limits equal soft ones. Pure.
 */
import type { ResourceLimits } from 'warden-protocol';
import { rlimitNames, type RlimitName } from '../lib/rlimit-names.js';
import type { JobRlimit } from '../host/monitor.js';

/** RLIM_INFINITY of setrlimit(2). */
const infinity = 2n ** 64n - 1n;

/** From here on a value is no limit: no resource has so much, and not all of the kernel's sums with it are right. */
const firstUnlimited = 2n ** 63n;

/** The kernel counts nanoseconds in 64 bits: one second more, and it would kill the job at once instead of in six centuries. */
const longestCpuTimeInSeconds = infinity / 1_000_000_000n;

/**
 * Less than the smallest core file, so that none is written; and unlike with 0 the kernel does not start the program that
 * core_pattern may name, as root of the host, either (fs/coredump.c). The system call filter keeps jobs from changing it.
 */
const noCoreDumps = 1n;

/** Numbers of setrlimit(2) resources, the same on every architecture that Node runs on. */
const resources: Readonly<Record<RlimitName, number>> = {
  cpu: 0, fsize: 1, data: 2, stack: 3, core: 4, rss: 5, nproc: 6, nofile: 7, memlock: 8, as: 9, locks: 10, sigpending: 11, msgqueue: 12, nice: 13, rtprio: 14,
};

/** What jobs have always had when nobody says otherwise. */
const defaults: Readonly<Record<RlimitName, bigint>> = {
  as: infinity,
  core: 0n,
  cpu: infinity,
  data: infinity,
  fsize: infinity,
  locks: infinity,
  memlock: 65_536n,
  msgqueue: 819_200n,
  nice: 0n,
  nofile: 1024n,
  nproc: 1024n,
  rss: infinity,
  rtprio: 0n,
  sigpending: 1024n,
  stack: 8_388_608n,
};

/** Those of jobs that bring none of their own, by the configuration they are made of. */
const usual = new WeakMap<ReadonlyMap<RlimitName, number>, readonly JobRlimit[]>();

/**
 * @param configured -1 stands for no limit; the same map mostly gives the same array, while a job brings no limits of its own
 * @param refuseCoreDumps asked only when the job is to have core dumps
 */
export function rlimitsOf(configured: ReadonlyMap<RlimitName, number>, requested: ResourceLimits | undefined, refuseCoreDumps: () => boolean): readonly JobRlimit[] {
  if (requested !== undefined) return listLimits(configured, requested, refuseCoreDumps);
  const known = usual.get(configured);
  if (known !== undefined) return known;
  let asked = false;
  const limits = listLimits(configured, undefined, () => {
    asked = true;
    return refuseCoreDumps();
  });
  // The answer may be another one for the next job.
  if (!asked) usual.set(configured, limits);
  return limits;
}

function listLimits(configured: ReadonlyMap<RlimitName, number>, requested: ResourceLimits | undefined, refuseCoreDumps: () => boolean): readonly JobRlimit[] {
  return rlimitNames.map((name) => {
    const wanted = effective(name, requested?.[name] ?? configuredLimit(configured, name) ?? defaults[name]);
    const value = name === 'core' && wanted > noCoreDumps && refuseCoreDumps() ? noCoreDumps : wanted;
    return { resource: resources[name], soft: value, hard: value };
  });
}

function effective(name: RlimitName, value: bigint): bigint {
  if (name === 'core' && value === 0n) return noCoreDumps;
  return value >= firstUnlimited || (name === 'cpu' && value > longestCpuTimeInSeconds) ? infinity : value;
}

/** What the configuration says of one limit, in the numbers of setrlimit(2). */
export function configuredLimit(configured: ReadonlyMap<RlimitName, number>, name: RlimitName): bigint | undefined {
  const value = configured.get(name);
  if (value === undefined) return undefined;
  return value < 0 ? infinity : BigInt(value);
}

/** The name of a resource number, for events. */
export function rlimitName(resource: number): string {
  return rlimitNames.find((name) => resources[name] === resource) ?? `resource ${resource}`;
}

export function rlimitClamped(resource: number, hard: bigint): string {
  return `rlimit ${rlimitName(resource)} clamped to ${hard}`;
}

/** The event of a job that was to have core dumps on a machine where they would not stay in its container. */
export const coreDumpsRefused = rlimitClamped(resources.core, 0n);

/** Limits of the configuration above what the server itself may have at most: jobs get that. */
export function limitsAbove(configured: ReadonlyMap<RlimitName, number>, hardLimits: readonly bigint[]): { readonly name: RlimitName; readonly hard: bigint }[] {
  return rlimitNames.flatMap((name) => {
    const hard = hardLimits[resources[name]];
    const wanted = configuredLimit(configured, name);
    return hard !== undefined && wanted !== undefined && wanted > hard ? [{ name, hard }] : [];
  });
}
