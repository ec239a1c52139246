/**
 * At the start: the depot's containers are taken over, with their jobs. One whose monitor died meanwhile is stopped, with an
 * event, until a client destroys it; one whose destroy had begun is removed, and so is what was never acknowledged or has
 * another boot. One that waits for a client does so again, or goes. A container that lives and cannot be taken over is left alone, and what it holds is given to nobody else.
 * Whether one lives is known from its monitor's socket alone. A monitor that is late is alive.
 */
import { WardenError } from 'warden-protocol';
import { BeingDestroyed, MonitorGone, type JobExit } from '../host/monitor.js';
import { withDeadline } from '../lib/deadline.js';
import { startTimer } from '../lib/timer.js';
import { recordedBandwidth, removeBandwidthLimit } from './bandwidth.js';
import { Container } from './container.js';
import type { Containers } from './containers.js';
import { destroyContainer } from './destroy.js';
import { diskOf } from './disk-of.js';
import { endLife, monitorDied } from './end-of-life.js';
import { noteExit } from './exit-events.js';
import { linkOf } from './link.js';
import { jobsWithoutMonitor } from './lost-jobs.js';
import { namePolicyOf } from './name-policy.js';
import { checkNetOut } from './net-out-rule.js';
import { stopIfOutOfMemory } from './out-of-memory.js';
import { quarantine } from './quarantine.js';
import { removeDeadlineMs } from './remove.js';
import { parseSnapshot, type Snapshot } from './snapshot.js';
import { finishStop } from './stop.js';
import { quarantineStrangers } from './strangers.js';
import { receiveEvents } from './watch.js';

/** Containers that are taken over at the same time: most of it is waiting. */
const adoptedAtOnce = 16;
/** A monitor answers in a millisecond. The start does not wait longer for one that is stopped or starved. */
const answerDeadlineMs = 5000;
const retryPauseMs = 5000;

/** A container's directory; the text is what its snapshot says, undefined: there is none. */
interface Found {
  readonly containerId: string;
  readonly text: string | undefined;
  readonly parsed: ReturnType<typeof parseSnapshot> | undefined;
}

/** A container to be removed that is known gives back what it holds when it is gone. */
type Verdict = { readonly adopted: Container } | { readonly waits: true } | { readonly remove: string; readonly container?: Container } | { readonly leaveAlone: string; readonly uid: number | undefined };

/**
 * One log line for each; fails for the sake of one container only when a newer server made it.
 * @throws WardenError unsupported, and nothing was touched
 */
export async function adoptContainers(containers: Containers): Promise<void> {
  const found = containers.host.depot.readSnapshots().map(({ containerId, snapshot: text }): Found => ({ containerId, text, parsed: text === undefined ? undefined : parseSnapshot(text) }));
  const releases = containers.host.depot.readReleases();
  for (const one of found) {
    refuseNewer(containers, one);
    containers.ids.follow(one.containerId);
  }
  const rest = found.values();
  const work = async (): Promise<void> => {
    for (const one of rest) await takeOver(containers, one);
  };
  await Promise.all(Array.from({ length: adoptedAtOnce }, work));
  containers.networks.rest(releases, containers.host.clock.now());
  await quarantineStrangers(containers);
}

function refuseNewer(containers: Containers, { containerId, parsed }: Found): void {
  if (parsed === undefined || 'snapshot' in parsed || parsed.newerVersion === undefined) return;
  throw new WardenError(
    'unsupported',
    `the snapshot of container ${containerId} in ${containers.host.depot.directoryOf(containerId)} has version ${parsed.newerVersion}, made by a newer wardend: start that one, or destroy the container with it first`,
  );
}

async function takeOver(containers: Containers, found: Found): Promise<void> {
  const { containerId, text } = found;
  const verdict = await judge(containers, found);
  if ('waits' in verdict) return;
  if ('adopted' in verdict) {
    finishStop(containers, verdict.adopted);
    stopIfOutOfMemory(containers, verdict.adopted);
    return;
  }
  if ('leaveAlone' in verdict) {
    quarantine(containers, { containerId, text: text ?? '', reason: verdict.leaveAlone, uid: verdict.uid });
    return;
  }
  containers.log.warn({ container: containerId, reason: verdict.remove }, 'removing what is left of a container');
  try {
    await removeLeftovers(containers, containerId, verdict.container);
  } catch (error) {
    containers.log.error({ container: containerId, err: error }, 'what is left of a container could not be removed; the next start tries again');
  }
}

async function judge(containers: Containers, { containerId, parsed }: Found): Promise<Verdict> {
  if (parsed === undefined) return { remove: 'it has no snapshot: it was never acknowledged' };
  if ('reason' in parsed) return unlessDead(containers, containerId, `its snapshot cannot be used: ${parsed.reason}`);
  const { snapshot } = parsed;
  if (snapshot.id !== containerId) return unlessDead(containers, containerId, `its snapshot is that of ${snapshot.id}`);
  if (snapshot.bootId !== containers.host.bootId) return { remove: 'the machine was started again since' };
  const container = containerOf(containers, snapshot);
  if (snapshot.waiting !== undefined) {
    // Nobody has it, so nobody misses it.
    if (typeof container === 'string') return { remove: container };
    await containers.waiting.restore(container, snapshot.waiting.recipe);
    return { waits: true };
  }
  if (typeof container === 'string') return unlessDead(containers, containerId, container);

  const meeting = meet(containers, container);
  container.watching = meeting;
  try {
    await withDeadline(containers.host.clock, answerDeadlineMs, meeting, () => new WardenError('timeout', `no answer within ${answerDeadlineMs / 1000} s`));
  } catch (error) {
    if (hasBeenDestroyed(error)) {
      container.monitor.close();
      return { remove: 'its destroy had begun', container };
    }
    if (error instanceof MonitorGone) {
      addDead(containers, container);
      return { adopted: container };
    }
    containers.log.warn({ container: containerId, handle: container.handle, err: error }, 'the monitor of a container does not answer; the container is kept, trying again');
    containers.add(container);
    keepMeeting(containers, container, meeting);
    return { adopted: container };
  }
  containers.add(container);
  containers.log.info({ container: containerId, handle: container.handle, jobs: container.jobs.size }, 'took over a living container');
  return { adopted: container };
}

function hasBeenDestroyed(error: unknown): boolean {
  return error instanceof BeingDestroyed || (error instanceof MonitorGone && error.destroyed);
}

/** Its processes are gone; what is known of it, and the results of its jobs, are a client's to ask for. */
function addDead(containers: Containers, container: Container): void {
  const jobs = jobsWithoutMonitor(containers, container);
  for (const [id, exit] of jobs) container.jobs.set(id, { id, exit, followers: 0, consumed: false });
  containers.add(container);
  for (const exit of jobs.values()) noteExit(containers, container, exit);
  endLife(containers, container, monitorDied);
}

/** A container that cannot be taken over is removed when it is dead, and else left alone. */
async function unlessDead(containers: Containers, containerId: string, reason: string): Promise<Verdict> {
  const monitor = containers.host.monitors.open(containerId);
  try {
    const uid = await withDeadline(containers.host.clock, answerDeadlineMs, monitor.vcapUid(), () => new WardenError('timeout', 'no answer'));
    return { leaveAlone: reason, uid };
  } catch (error) {
    return error instanceof MonitorGone ? { remove: reason } : { leaveAlone: reason, uid: undefined };
  } finally {
    monitor.close();
  }
}

/**
 * Receives the container's events, and only then asks for its jobs, so that none ends unseen. The two come by different
 * connections: the end of a job may be read before the list that has it running.
 */
async function meet(containers: Containers, container: Container): Promise<void> {
  const ended = new Map<number, JobExit>();
  await receiveEvents(containers, container, ended);
  for (const { jobId, exit } of await container.monitor.list()) {
    containers.jobIds.follow(jobId);
    if (container.jobs.has(jobId)) continue;
    const known = exit ?? ended.get(jobId);
    container.jobs.set(jobId, { id: jobId, exit: known, followers: 0, consumed: false });
    noteExit(containers, container, known);
  }
}

/** Goes on with a monitor that was late: until it answers, or is dead, or the container is destroyed. */
function keepMeeting(containers: Containers, container: Container, meeting: Promise<void>): void {
  container.watching = meeting;
  meeting.then(
    () => containers.log.info({ container: container.id, handle: container.handle, jobs: container.jobs.size }, 'took over a living container, late'),
    (error: unknown) => {
      if (container.lastInfo !== undefined || !containers.has(container)) return;
      if (hasBeenDestroyed(error)) containers.inBackground(destroyContainer(containers, container), 'a destroy that had begun could not be finished', container);
      else if (error instanceof MonitorGone) endLife(containers, container, monitorDied);
      else startTimer(containers.host.clock, retryPauseMs, () => keepMeeting(containers, container, meet(containers, container)));
    },
  );
}

/** The container of a snapshot with its network and uid claimed; or why that cannot be. */
function containerOf(containers: Containers, snapshot: Snapshot): Container | string {
  const { host } = containers;
  if (snapshot.waiting === undefined && containers.isHandleTaken(snapshot.handle)) return `another container has its handle ${snapshot.handle}`;
  const network = containers.networks.restore(snapshot.network, host.clock.now());
  if (network === undefined) return 'another container has its network';
  const identity = containers.uids.restore(snapshot.uid);
  if (identity === undefined) {
    containers.networks.forget(network);
    return 'another container has its uid';
  }
  const directory = host.depot.directoryOf(snapshot.id);
  const identification = {
    id: snapshot.id,
    handle: snapshot.handle,
    directory,
    disk: diskOf(snapshot.diskBackend ?? 'none', directory, host.depot.diskOf(snapshot.id), identity),
    network,
    identity,
    link: linkOf(snapshot.linkName, network, snapshot.mtu),
    rootfsPath: snapshot.rootfsPath,
    image: snapshot.image,
    bindMounts: snapshot.bindMounts ?? [],
    graceTimeMs: snapshot.graceTimeMs,
    labels: new Map(snapshot.labels),
    expiresAtMs: snapshot.expiresAtMs,
    createdMs: snapshot.createdMs,
  };
  if (snapshot.image !== undefined) host.rootFileSystems.hold(snapshot.id, snapshot.waiting === undefined ? snapshot.handle : undefined, snapshot.image);
  const container = new Container(identification, host.monitors.open(snapshot.id, true), snapshot.state, snapshot.events);
  container.stopping = snapshot.stopping ?? false;
  container.netOut = (snapshot.netOut ?? []).map(checkNetOut);
  container.usesForwarder = snapshot.usesForwarder ?? false;
  containers.names.restore(network.containerAddress, namePolicyOf(containers.configuration.network, container), snapshot.foundNames ?? []);
  container.netIn = (snapshot.netIn ?? []).filter(({ protocol, hostPort }) => {
    if (containers.ports.claim(protocol, hostPort)) return true;
    containers.log.error({ container: snapshot.id, handle: snapshot.handle, protocol, port: hostPort }, 'a port of a container leads to another one: it is closed for this one');
    return false;
  });
  if (snapshot.bandwidth !== undefined) container.bandwidth = recordedBandwidth(snapshot.bandwidth);
  return container;
}

/** The firewall's tables are loaded anew after this, without the elements of what was removed. */
async function removeLeftovers(containers: Containers, containerId: string, container?: Container): Promise<void> {
  const { host } = containers;
  const monitor = host.monitors.open(containerId);
  try {
    await monitor.destroy(removeDeadlineMs);
  } catch {
    await host.cgroups.removeLeftovers(containerId);
  } finally {
    monitor.close();
  }
  if (container !== undefined) {
    await removeBandwidthLimit(containers, container);
    containers.noteRelease(container);
  }
  host.depot.discardDirectory(containerId);
  if (container === undefined) return;
  containers.names.drop(container.network.containerAddress);
  containers.release(container);
}
