/** What there is none of for plain processes: limits, groups, a firewall, links. What only reads says so; what would limit is refused; what would open something is done already. */
import { WardenError } from 'warden-protocol';
import { defaultCpuShares, unlimitedMemory, type CpuLimits, type MemoryLimits, type PidsLimits } from '../limits.js';
import type { Disks } from '../disk.js';
import type { BindSources, Cgroups, CoreDumps, Firewall, HookPrograms, HostLinks } from '../host.js';
import type { NameFirewall } from '../name-firewall.js';
import type { Resolver } from '../resolver.js';
import type { Statistics } from '../statistics.js';
import { unsupported } from './unsupported.js';

export const noMemoryLimits: MemoryLimits = {
  read: () => unlimitedMemory,
  write: async (_containerId, limitInBytes) => {
    if (limitInBytes < unlimitedMemory) throw unsupported('limit_memory');
  },
};

export const noCpuLimits: CpuLimits = {
  read: () => ({ shares: defaultCpuShares, quota: undefined, cpus: undefined }),
  write: () => {
    throw unsupported('limit_cpu');
  },
};

export const noPidsLimits: PidsLimits = {
  read: () => undefined,
  write: () => {
    throw unsupported('limit_pids');
  },
};

export const noDisks: Disks = {
  backend: 'none',
  usage: () => undefined,
  limit: async () => {
    throw unsupported('limit_disk');
  },
  release: async () => undefined,
};

export const noStatistics: Statistics = { memory: () => undefined, encodedMemory: () => undefined, cpu: () => undefined, pids: () => undefined, forget: () => undefined };

/** @param removeLeftovers ends what has outlived its monitor */
export function noCgroups(removeLeftovers: (containerId: string) => Promise<void>): Cgroups {
  return { describe: () => [], list: () => [], hasProcesses: () => false, jobIds: () => [], removeLeftovers };
}

const nothing = { elements: [], chains: [], ended: () => undefined };

export const noFirewall: Firewall = {
  load: async () => undefined,
  isOwnChange: () => true,
  elementsOf: () => [],
  netOutAdded: () => nothing,
  netOutRemoved: () => [],
  netOutOf: () => nothing,
  netOutAhead: () => undefined,
  portElementsOf: () => [],
};

export const noNameFirewall: NameFirewall = {
  questions: () => [],
  opening: () => ({ operation: 'ensure', family: 'inet', table: '', set: '', key: new Uint8Array() }),
  resolver: () => [],
};

/** Jobs ask the machine's own name servers. */
export const noResolver: Resolver = { serve: async () => undefined, forget: () => undefined };

export const noLinks: HostLinks = { indexOf: () => undefined, list: () => [], listIfbs: () => [] };

export const noBindSources: BindSources = {
  open: () => {
    throw unsupported('bind_mounts');
  },
};

export const noHookPrograms: HookPrograms = {
  find: (name) => {
    throw new WardenError('unsupported', `hook ${name}: plain processes (server.container_klass: Insecure) have none`);
  },
};

/** They go where those of the machine's other processes go. */
export const ownCoreDumps: CoreDumps = { leaveContainers: () => false };
