/**
 * At the start: the depot's containers that live are taken over, with their jobs; what has no living monitor is removed.
 */
import { Container } from './container.js';
import type { Containers } from './containers.js';
import { linkOf } from './link.js';
import { removeDeadlineMs } from './remove.js';
import { parseSnapshot, type Snapshot } from './snapshot.js';
import { watchContainer } from './watch.js';

/** One log line for each; never throws for the sake of one container. */
export async function adoptContainers(containers: Containers): Promise<void> {
  for (const { containerId, snapshot: text } of containers.host.depot.readSnapshots()) {
    containers.ids.follow(containerId);
    const reason = await adoptOne(containers, containerId, text).catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    if (reason === undefined) continue;
    containers.log.warn({ container: containerId, reason }, 'removing what is left of a container');
    await removeLeftovers(containers, containerId).catch((error: unknown) => {
      containers.log.error({ container: containerId, err: error }, 'what is left of a container could not be removed; the next start tries again');
    });
  }
}

/** @returns why the container cannot be taken over, undefined when it was */
async function adoptOne(containers: Containers, containerId: string, text: string | undefined): Promise<string | undefined> {
  if (text === undefined) return 'it has no snapshot: it was never acknowledged';
  const parsed = parseSnapshot(text);
  if ('reason' in parsed) return `its snapshot cannot be used: ${parsed.reason}`;
  const { snapshot } = parsed;
  if (snapshot.id !== containerId) return `its snapshot is that of ${snapshot.id}`;
  if (snapshot.bootId !== containers.host.bootId) return 'the machine was started again since';

  const container = containerOf(containers, snapshot);
  if (typeof container === 'string') return container;
  try {
    for (const { jobId, exit } of await container.monitor.list()) {
      container.jobs.set(jobId, { id: jobId, exit, followers: 0, consumed: false });
    }
  } catch (error) {
    container.monitor.close();
    containers.networks.forget(container.network);
    containers.uids.release(container.identity);
    return `its monitor does not answer: ${error instanceof Error ? error.message : String(error)}`;
  }
  containers.add(container);
  watchContainer(containers, container);
  containers.log.info({ container: containerId, handle: container.handle, jobs: container.jobs.size }, 'took over a living container');
  return undefined;
}

/** The container of a snapshot with its network and uid claimed; or why that cannot be. */
function containerOf(containers: Containers, snapshot: Snapshot): Container | string {
  const { host } = containers;
  if (containers.isHandleTaken(snapshot.handle)) return `another container has its handle ${snapshot.handle}`;
  const network = containers.networks.restore(snapshot.network, host.clock.now());
  if (network === undefined) return 'another container has its network';
  const identity = containers.uids.restore(snapshot.uid);
  if (identity === undefined) {
    containers.networks.forget(network);
    return 'another container has its uid';
  }
  const identification = {
    id: snapshot.id,
    handle: snapshot.handle,
    directory: host.depot.directoryOf(snapshot.id),
    network,
    identity,
    link: linkOf(snapshot.linkName, network, snapshot.mtu),
    rootfsPath: snapshot.rootfsPath,
    graceTimeMs: snapshot.graceTimeMs,
  };
  return new Container(identification, host.monitors.open(snapshot.id), snapshot.state, snapshot.events);
}

/** The firewall's tables are loaded anew after this, without the elements of what was removed. */
async function removeLeftovers(containers: Containers, containerId: string): Promise<void> {
  const { host } = containers;
  const monitor = host.monitors.open(containerId);
  try {
    await monitor.destroy(removeDeadlineMs);
  } catch {
    await host.cgroups.removeLeftovers(containerId);
  } finally {
    monitor.close();
  }
  host.depot.discardDirectory(containerId);
}
