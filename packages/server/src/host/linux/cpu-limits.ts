/**
 * Processor time of a container's groups: shares against its neighbours, a quota, and which processors.
 *
 *   version 1   cpu.shares; cpu.cfs_quota_us and cpu.cfs_period_us; cpuset.cpus, which is never empty
 *   version 2   cpu.weight; cpu.max; cpuset.cpus, empty or all of the parent's for all
 */
import { WardenError } from 'warden-protocol';
import { parseCpuList } from '../../lib/cpu-list.js';
import type { CpuLimit, CpuLimitChange, CpuLimits, CpuQuota } from '../limits.js';
import { sharesOfWeight, weightOfShares } from './cpu-weight.js';
import { readGroupFile, readOptionalGroupFile, requireGroup, writeGroupFile, type ControllerGroup } from './group-file.js';
import { isErrno } from './small-file.js';

/** Where the containers' groups are, by controller. */
export interface CpuGroups {
  groupOf(containerId: string, controller: 'cpu' | 'cpuset'): ControllerGroup | undefined;
  /** The group above all containers. */
  parentGroup(controller: 'cpuset'): ControllerGroup | undefined;
}

const defaultPeriodInUs = 100_000n;

export class LinuxCpuLimits implements CpuLimits {
  constructor(private readonly groups: CpuGroups) {}

  read(containerId: string): CpuLimit {
    const cpu = this.#cpu(containerId);
    return { shares: readShares(cpu), quota: readQuota(cpu), cpus: this.#readCpus(containerId) };
  }

  write(containerId: string, { shares, quota, cpus }: CpuLimitChange): void {
    const before = this.read(containerId);
    const cpu = this.#cpu(containerId);
    const undo: (() => void)[] = [];
    try {
      if (cpus !== undefined) {
        undo.push(() => this.#writeCpus(containerId, before.cpus ?? ''));
        this.#writeCpus(containerId, cpus);
      }
      if (quota !== undefined) {
        undo.push(() => writeQuota(cpu, before.quota ?? null));
        writeQuota(cpu, quota);
      }
      if (shares !== undefined) writeShares(cpu, shares);
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    }
  }

  #cpu(containerId: string): ControllerGroup {
    return requireGroup(this.groups.groupOf(containerId, 'cpu'), 'cpu');
  }

  #readCpus(containerId: string): string | undefined {
    const group = this.groups.groupOf(containerId, 'cpuset');
    if (group === undefined) return undefined;
    const own = readGroupFile(group, 'cpuset.cpus');
    if (own === '' || own === this.#availableCpus()) return undefined;
    return group.version === 2 ? readGroupFile(group, 'cpuset.cpus.effective') : own;
  }

  #writeCpus(containerId: string, list: string): void {
    const group = requireGroup(this.groups.groupOf(containerId, 'cpuset'), 'cpuset');
    const available = this.#availableCpus();
    const wanted = parseCpuList(list);
    const there = parseCpuList(available) ?? new Set();
    if (wanted === undefined) throw new WardenError('invalid_argument', `cpus: ${JSON.stringify(list.slice(0, 64))} is no list of processors such as 0-2,5`);
    const missing = [...wanted].find((number) => !there.has(number));
    if (missing !== undefined) throw new WardenError('invalid_argument', `cpus: containers have no processor ${missing}, they have ${available}`);
    if (list === '') writeAllCpus(group, available);
    else writeGroupFile(group, 'cpuset.cpus', list);
  }

  #availableCpus(): string {
    const parent = requireGroup(this.groups.parentGroup('cpuset'), 'cpuset');
    return readGroupFile(parent, parent.version === 1 ? 'cpuset.cpus' : 'cpuset.cpus.effective');
  }
}

/** Version 2 takes an empty list for all of the parent's; a group of version 1 cannot be without a processor, nor, in older kernels (6.1), one of version 2 that has processes. */
function writeAllCpus(group: ControllerGroup, available: string): void {
  if (group.version === 2) {
    try {
      writeGroupFile(group, 'cpuset.cpus', '\n');
      return;
    } catch (error) {
      if (!isErrno(error, 'ENOSPC')) throw error;
    }
  }
  writeGroupFile(group, 'cpuset.cpus', available);
}

function readShares(cpu: ControllerGroup): bigint {
  return cpu.version === 1 ? BigInt(readGroupFile(cpu, 'cpu.shares')) : sharesOfWeight(BigInt(readGroupFile(cpu, 'cpu.weight')));
}

function writeShares(cpu: ControllerGroup, shares: bigint): void {
  if (cpu.version === 1) writeGroupFile(cpu, 'cpu.shares', String(shares));
  else writeGroupFile(cpu, 'cpu.weight', String(weightOfShares(shares)));
}

function readQuota(cpu: ControllerGroup): CpuQuota | undefined {
  const text = cpu.version === 2
    ? readOptionalGroupFile(cpu, 'cpu.max')
    : readOptionalGroupFile(cpu, 'cpu.cfs_quota_us')?.concat(' ', readGroupFile(cpu, 'cpu.cfs_period_us'));
  const [quota = 'max', period = '0'] = text?.split(' ') ?? [];
  return quota === 'max' || quota === '-1' ? undefined : { quotaInUs: BigInt(quota), periodInUs: BigInt(period) };
}

function writeQuota(cpu: ControllerGroup, quota: CpuQuota | null): void {
  const periodInUs = quota?.periodInUs ?? defaultPeriodInUs;
  if (readOptionalGroupFile(cpu, cpu.version === 1 ? 'cpu.cfs_quota_us' : 'cpu.max') === undefined) {
    throw new WardenError('unsupported', 'this kernel was built without processor quotas (CONFIG_CFS_BANDWIDTH)');
  }
  if (cpu.version === 2) {
    writeGroupFile(cpu, 'cpu.max', `${quota?.quotaInUs ?? 'max'} ${periodInUs}`);
    return;
  }
  // Without the quota between the two: the old one might be refused beside the new period.
  writeGroupFile(cpu, 'cpu.cfs_quota_us', '-1');
  writeGroupFile(cpu, 'cpu.cfs_period_us', String(periodInUs));
  if (quota !== null) writeGroupFile(cpu, 'cpu.cfs_quota_us', String(quota.quotaInUs));
}
