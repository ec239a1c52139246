/** info: what the server knows of a container. */
import type { ResponseInit, Type } from 'warden-protocol';
import { formatIpv4Address } from '../lib/ipv4.js';
import type { Container } from './container.js';

export type ContainerInfo = ResponseInit<Type.Info>;

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
  };
}
