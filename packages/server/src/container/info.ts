/** info: what the server knows of a container, and what the container uses. */
import { BindMountMode, NetInProtocol, WardenError, type ResponseInit, type Type } from 'warden-protocol';
import type { UsageTexts } from '../host/statistics.js';
import { timeOfContainerId } from '../lib/container-id.js';
import { withDeadline } from '../lib/deadline.js';
import { formatIpv4Address } from '../lib/ipv4.js';
import type { Mutable } from '../lib/mutable.js';
import { bandwidthStatOf } from './bandwidth.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { labelsOf } from './labels.js';
import { netOutOf } from './net-out.js';

export type ContainerInfo = ResponseInit<Type.Info>;

/** The launcher answers in a tenth of a millisecond, unless it hangs, or waits for a disk that does. */
const launcherDeadlineMs = 500;

export function netInOf({ netIn }: Container): ContainerInfo['netIn'] {
  return netIn.map(({ protocol, hostPort, containerPort }) => ({ hostPort, containerPort, protocol: protocol === 'udp' ? NetInProtocol.UDP : NetInProtocol.TCP }));
}

function bindMountsOf({ bindMounts }: Container): ContainerInfo['bindMounts'] {
  return bindMounts.map(({ source, destination, mode }) => ({ srcPath: source, dstPath: destination, mode: mode === 'rw' ? BindMountMode.RW : BindMountMode.RO }));
}

/** Milliseconds until its ttl is over. */
export function ttlLeftOf({ host }: Containers, { expiresAtMs }: Container): bigint | undefined {
  return expiresAtMs === undefined ? undefined : BigInt(Math.max(0, Math.ceil(expiresAtMs - host.clock.now())));
}

/** Milliseconds since 1970. */
export function createdMsOf({ id, createdMs }: Container): bigint {
  return createdMs === undefined ? timeOfContainerId(id) : BigInt(createdMs);
}

/** What the server knows by itself. */
export function infoOf(container: Container): ContainerInfo {
  return container.lastInfo ?? knownOf(container);
}

function knownOf(container: Container): Mutable<ContainerInfo> {
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
    netIn: netInOf(container),
  };
}

/** The same with what its processes use at this moment, and its files, as far as that is told at once: some files of the kernel are read for it. */
export function infoAtOnce({ host }: Containers, container: Container, told?: UsageTexts): ContainerInfo {
  if (container.lastInfo !== undefined) return container.lastInfo;
  const info = knownOf(container);
  info.memoryStat = host.statistics.encodedMemory(container.id, told);
  info.cpuStat = host.statistics.cpu(container.id, told);
  info.pidsStat = host.statistics.pids(container.id, told);
  const usage = host.disks.usage(container.disk);
  info.diskStat = usage === undefined ? undefined : { bytesUsed: usage.bytes, inodesUsed: usage.inodes };
  return info;
}

/**
 * For the replies of jobs. What its files take is asked for where only the launcher can tell: measured, such a message makes a run
 * a millisecond longer, because both wake up for it just when the job's end has kept them busy.
 * @param told what came with the job's end
 */
export function infoForJob(containers: Containers, container: Container, told?: UsageTexts): ContainerInfo | Promise<ContainerInfo> {
  const info = infoAtOnce(containers, container, told);
  return isWhole(container, info) ? info : withDisk(containers, container, info);
}

/** For info: the same, its rules and bind mounts, and what its link has carried, for which the launcher is always asked. */
export async function infoWithUse(containers: Containers, container: Container): Promise<ContainerInfo> {
  if (container.lastInfo !== undefined) return container.lastInfo;
  const link = orUnknown(containers, container, 'link', containers.host.launcher.readLinkStatistics(container.link.hostName));
  // Both are asked in one go, so that the launcher wakes up once.
  const [info, networkStat] = await Promise.all([infoForJob(containers, container), link]);
  const rest = {
    netOut: netOutOf(container),
    bindMounts: bindMountsOf(container),
    labels: labelsOf(container.labels),
    ttlLeftMs: ttlLeftOf(containers, container),
    createdMs: createdMsOf(container),
  };
  return networkStat === undefined ? { ...info, ...rest } : { ...info, ...rest, networkStat };
}

function isWhole(container: Container, info: ContainerInfo): boolean {
  return info.diskStat !== undefined || container.disk.backend === 'none' || container.lastInfo !== undefined;
}

async function withDisk(containers: Containers, container: Container, info: ContainerInfo): Promise<ContainerInfo> {
  const state = await orUnknown(containers, container, 'files', containers.host.disks.limit(container.disk, {}));
  return state === undefined ? info : { ...info, diskStat: { bytesUsed: state.usage.bytes, inodesUsed: state.usage.inodes } };
}

/** A reply says what it can: an answer that does not come is no reason to keep the rest back. */
async function orUnknown<Answer>({ host, log }: Containers, container: Container, what: string, answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await withDeadline(host.clock, launcherDeadlineMs, answer, () => new WardenError('timeout', `no answer within ${launcherDeadlineMs} ms`));
  } catch (error) {
    log.debug({ container: container.id, of: what, err: error }, 'a statistic of a container is not known');
    return undefined;
  }
}
