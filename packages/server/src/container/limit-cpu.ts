/** limit_cpu: a container's share of the processors against its neighbours, a quota of processor time, and which processors it may use. */
import { WardenError, type RequestOf, type Type } from 'warden-protocol';
import { leastCpuShares, mostCpuShares, type CpuLimit, type CpuLimitChange, type CpuQuota } from '../host/limits.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { readInForce } from './in-force.js';

type CpuRequest = Omit<RequestOf<Type.LimitCpu>, 'handle'>;

/** What the kernel takes, in microseconds. */
const leastQuotaInUs = 1000n;
const mostQuotaInUs = 1_000_000_000_000n;
const leastPeriodInUs = 1000n;
const mostPeriodInUs = 1_000_000n;
const defaultPeriodInUs = 100_000n;
/** Characters of a list of processors. */
const cpusLimit = 4096;

/**
 * @returns what is in force
 * @throws WardenError invalid_argument, unsupported, or wrong_state
 */
export async function limitCpu(containers: Containers, container: Container, request: CpuRequest): Promise<CpuLimit> {
  const { cpu } = containers.host;
  const { limitInShares, quotaInUs, periodInUs, cpus } = request;
  if (limitInShares === undefined && quotaInUs === undefined && periodInUs === undefined && cpus === undefined) {
    return readInForce(containers, container, () => cpu.read(container.id));
  }
  container.requireState('active', 'stopped');
  return containers.changes.run(container.id, async () => {
    container.requireState('active', 'stopped');
    cpu.write(container.id, changeOf(request, cpu.read(container.id)));
    return cpu.read(container.id);
  });
}

/** Pure. @throws WardenError invalid_argument */
function changeOf({ limitInShares, quotaInUs, periodInUs, cpus }: CpuRequest, before: CpuLimit): CpuLimitChange {
  if (cpus !== undefined && cpus.length > cpusLimit) throw new WardenError('invalid_argument', `cpus: a list of processors has at most ${cpusLimit} characters`);
  return {
    shares: limitInShares === undefined ? undefined : within(limitInShares, leastCpuShares, mostCpuShares),
    quota: quotaOf(quotaInUs, periodInUs, before.quota),
    cpus,
  };
}

/** Undefined: it stays as it is. */
function quotaOf(quotaInUs: bigint | undefined, periodInUs: bigint | undefined, before: CpuQuota | undefined): CpuQuota | null | undefined {
  if (quotaInUs === 0n) return null;
  if (quotaInUs === undefined && periodInUs === undefined) return undefined;
  const quota = quotaInUs ?? before?.quotaInUs;
  if (quota === undefined) throw new WardenError('invalid_argument', 'period_in_us: the container has no quota; give quota_in_us as well');
  const period = periodInUs ?? before?.periodInUs ?? defaultPeriodInUs;
  requireBetween('quota_in_us', quota, leastQuotaInUs, mostQuotaInUs, ', or 0 for none');
  requireBetween('period_in_us', period, leastPeriodInUs, mostPeriodInUs);
  return { quotaInUs: quota, periodInUs: period };
}

function within(value: bigint, least: bigint, most: bigint): bigint {
  return value < least ? least : value > most ? most : value;
}

function requireBetween(name: string, value: bigint, least: bigint, most: bigint, otherwise = ''): void {
  if (value < least || value > most) throw new WardenError('invalid_argument', `${name}: must be ${least} to ${most} microseconds${otherwise}; ${value} is not`);
}
