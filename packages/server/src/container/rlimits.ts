/**
 * Resource limits of a job: the table every job begins with, overridden by the configuration, overridden by the request.
 * Hard limits equal soft ones. Pure.
 */
import type { ResourceLimits } from 'warden-protocol';
import { rlimitNames, type RlimitName } from '../lib/rlimit-names.js';
import type { JobRlimit } from '../host/monitor.js';

/** RLIM_INFINITY of setrlimit(2). */
const infinity = 2n ** 64n - 1n;

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

/** @param configured -1 stands for no limit */
export function rlimitsOf(configured: ReadonlyMap<RlimitName, number>, requested: ResourceLimits | undefined): JobRlimit[] {
  return rlimitNames.map((name) => {
    const value = requested?.[name] ?? fromConfiguration(configured.get(name)) ?? defaults[name];
    return { resource: resources[name], soft: value, hard: value };
  });
}

function fromConfiguration(value: number | undefined): bigint | undefined {
  if (value === undefined) return undefined;
  return value < 0 ? infinity : BigInt(value);
}

/** The name of a resource number, for events. */
export function rlimitName(resource: number): string {
  return rlimitNames.find((name) => resources[name] === resource) ?? `resource ${resource}`;
}
