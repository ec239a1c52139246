/**
 * create: check, reserve what the container needs, have it made by one message to the launcher, record it. Every step's
 * undo is registered on the line after it, so that a create that fails leaves nothing.
 */
import { WardenError } from 'warden-protocol';
import { FirewallMissing, LauncherGone } from '../host/launcher.js';
import type { ContainerNetwork } from '../pool/network-pool.js';
import { UndoStack } from '../lib/undo-stack.js';
import { checkSourceCount, openBindMounts } from './bind-mounts.js';
import { Container, type ContainerIdentification } from './container.js';
import type { Containers } from './containers.js';
import { networkRefused, type CreateOrder } from './create-request.js';
import { describeContainer } from './describe.js';
import { diskOf } from './disk-of.js';
import { describeHooks } from './hooks.js';
import { hostInterfaceName, linkNameOf, linkOf } from './link.js';
import { namePolicyOf } from './name-policy.js';
import { nameServersFor } from './name-servers.js';
import { removeFromHost } from './remove.js';
import { prepareSnapshot, snapshotOf } from './snapshot.js';
import { watchContainer } from './watch.js';

/**
 * A create whose launcher died is made once more when all it had begun could be undone: a new launcher is started then. So is one that
 * found the firewall's tables gone, after they have been loaded.
 * @throws WardenError of any code; nothing is left then
 */
export async function createContainer(containers: Containers, order: CreateOrder): Promise<Container> {
  const first = await attempt(containers, order);
  if ('container' in first) return first.container;
  if (!first.undone || !(first.error instanceof LauncherGone || first.error instanceof FirewallMissing)) throw first.error;
  if (first.error instanceof FirewallMissing) await containers.firewall.load();
  const second = await attempt(containers, order);
  if ('container' in second) return second.container;
  throw second.error;
}

async function attempt(containers: Containers, order: CreateOrder): Promise<{ container: Container } | { error: unknown; undone: boolean }> {
  const undo = new UndoStack();
  try {
    const container = await make(containers, order, undo);
    undo.discard();
    return { container };
  } catch (error) {
    const failures = await undo.unwind();
    for (const failure of failures) {
      containers.log.error({ err: failure.error, step: failure.name }, 'a step of a failed create could not be undone');
    }
    return { error, undone: failures.length === 0 };
  }
}

async function make(containers: Containers, order: CreateOrder, undo: UndoStack): Promise<Container> {
  const { host, configuration } = containers;
  if (order.handle !== undefined) await containers.untilDecided(order.handle);
  const id = freeId(containers);
  const handle = order.handle ?? freeHandle(containers, id);
  undo.push('release the handle', containers.reserveHandle(handle));

  const network = await acquireNetwork(containers, order);
  undo.push('release the network', () => containers.networks.release(network, host.clock.now()));

  const identity = containers.uids.acquire();
  if (identity === undefined) throw new WardenError('exhausted', 'no uid is left in the pool (user.pool_size); destroy a container or enlarge the pool');
  undo.push('release the uid', () => containers.uids.release(identity));

  const linkName = linkNameOf(handle, id, (name) => containers.isLinkNameTaken(name));
  const link = linkOf(linkName, network, configuration.network.mtu);
  undo.push('release the link name', containers.reserveLinkName(link.hostName));

  const rootfsPath = order.rootfsPath ?? configuration.rootfsPath;
  const rootFileSystem = host.rootFileSystems.open(rootfsPath);
  const { image } = rootFileSystem;
  if (image !== undefined) {
    undo.push('release the image', () => host.rootFileSystems.release(id));
    host.rootFileSystems.hold(id, handle, image);
  }
  const bindMounts = openBindMounts(containers, order.bindMounts, configuration.mapsRootInBindMounts);
  checkSourceCount(rootFileSystem.lowers.length, rootFileSystem.mounts.length + bindMounts.described.length);

  const hooks = describeHooks(configuration.hooks.programs, order.hooks, host.hookPrograms);

  undo.push('remove the directory', () => host.depot.discardDirectory(id));
  const { path: directory, disk: diskDirectory } = await host.depot.makeDirectory(id);
  const disk = diskOf(host.disks.backend, directory, diskDirectory, identity);

  const nameServers = nameServersFor(configuration.network.dnsServers, () => host.nameServers.list());
  const graceTimeMs = order.graceTimeMs === undefined ? configuration.defaultGraceTimeMs : order.graceTimeMs;
  const expiresAtMs = order.ttlMs === undefined ? undefined : host.clock.now() + order.ttlMs;
  const identification: ContainerIdentification = { id, handle, directory, disk, network, identity, link, rootfsPath, image, bindMounts: bindMounts.kept, graceTimeMs, labels: order.labels, expiresAtMs };
  const container = new Container(identification, host.monitors.open(id), 'born');
  container.usesForwarder = nameServers.length === 0;
  undo.push('close the way to the monitor', () => container.monitor.close());
  containers.firewall.note(link);
  // Registered before the launcher is asked: it undoes what it began, but it may also die or be late.
  undo.push('remove processes, cgroups and firewall elements', () => removeFromHost(containers, container));
  await containers.firewall.loaded();
  const launched = host.launcher.create(
    describeContainer({
      identification,
      nested: configuration.allowsNested,
      rootFileSystem,
      bindMounts: bindMounts.described,
      hooks,
      cgroups: host.cgroups.describe(id),
      firewallElements: [...host.firewall.elementsOf(link, 'ensure'), ...containers.names.prepare(network.containerAddress, namePolicyOf(configuration.network, container))],
      nameServers,
      deadlineMs: configuration.createDeadlineMs,
      lang: host.lang,
      syslogSocket: host.syslog.socketPath(),
    }),
  );
  if (host.plain !== undefined) container.addEvent(host.plain.caution);
  // Nobody knows the container yet who could change what it says.
  const snapshot = snapshotOf(container, host.bootId);
  prepareSnapshot(containers, id, snapshot);
  await launched;
  container.moveTo('active');
  host.depot.writeSnapshot(id, snapshot);
  containers.add(container);
  containers.lifetimes.add(container);
  watchContainer(containers, container);
  return container;
}

/** An id that no container's interfaces are named by: a client's handle may have been that very text. */
function freeId(containers: Containers): string {
  let id = containers.ids.next();
  while (containers.isLinkNameTaken(hostInterfaceName(id))) id = containers.ids.next();
  return id;
}

/** The id serves as the handle, unless a client has chosen that very text. */
function freeHandle(containers: Containers, id: string): string {
  let handle = id;
  while (containers.isHandleTaken(handle)) handle = containers.ids.next();
  return handle;
}

/** What was given back is free a moment later; who needs it at once waits for it. */
async function acquireNetwork(containers: Containers, order: CreateOrder): Promise<ContainerNetwork> {
  let network = takeNetwork(containers, order);
  if (network === undefined) {
    await containers.stale.forget();
    network = takeNetwork(containers, order);
  }
  if (network === undefined && order.address !== undefined) throw networkRefused(order.address.text);
  if (network === undefined) {
    throw new WardenError('exhausted', 'no network is left in the pool (network.pool_network); destroy a container, wait for release_delay, or enlarge the pool');
  }
  return network;
}

function takeNetwork({ networks, host }: Containers, { address }: CreateOrder): ContainerNetwork | undefined {
  return address === undefined ? networks.acquire(host.clock.now()) : networks.claim(address.value, host.clock.now());
}
