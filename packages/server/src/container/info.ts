/** info: what the server knows of a container, and what the container uses. */
import type { ResponseInit, Type } from 'warden-protocol';
import { formatIpv4Address } from '../lib/ipv4.js';
import { bandwidthStatOf } from './bandwidth.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';

export type ContainerInfo = ResponseInit<Type.Info>;

/** What the server knows by itself. */
export function infoOf(container: Container): ContainerInfo {
  if (container.lastInfo !== undefined) return container.lastInfo;
  const jobIds: bigint[] = [];
  for (const job of container.jobs.values()) {
    if (job.exit === undefined) jobIds.push(BigInt(job.id));
  }
  return {
    state: container.state,
    events: container.events,
    hostIp: formatIpv4Address(container.network.hostAddress),
    containerIp: formatIpv4Address(container.network.containerAddress),
    containerPath: container.directory,
    diskBackend: container.disk.backend,
    jobIds,
    bandwidthStat: bandwidthStatOf(container),
  };
}

/** The same with what the container uses at this moment. Also in the replies of link, run and stream: some files of cgroups are read, no more. */
export function infoWithUse({ host }: Containers, container: Container): ContainerInfo {
  if (container.lastInfo !== undefined) return container.lastInfo;
  return { ...infoOf(container), memoryStat: host.statistics.memory(container.id), cpuStat: host.statistics.cpu(container.id), pidsStat: host.statistics.pids(container.id) };
}
