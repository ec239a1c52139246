/**
 * Makes a container, from what is decided about it to its running PID 1: reserve what it needs, have it made by one message to the launcher. Every step's
 * undo is registered on the line after it.
 */
import { WardenError } from 'warden-protocol';
import type { ContainerNetwork } from '../pool/network-pool.js';
import type { ContainerIdentity } from '../pool/uid-pool.js';
import type { UndoStack } from '../lib/undo-stack.js';
import { checkSourceCount, openBindMounts } from './bind-mounts.js';
import { Container, type ContainerIdentification } from './container.js';
import type { Containers } from './containers.js';
import { networkRefused, type CreateOrder } from './create-request.js';
import { describeContainer } from './describe.js';
import { diskOf } from './disk-of.js';
import { describeHooks } from './hooks.js';
import { linkNameOf, linkOf } from './link.js';
import { namePolicyOf } from './name-policy.js';
import { nameServersFor } from './name-servers.js';
import { removeFromHost } from './remove.js';

/** What is decided before anything of a container is there. */
export interface Plan {
  readonly id: string;
  readonly handle: string;
  readonly createdMs: number | undefined;
  readonly order: CreateOrder;
  /** No client waits for it: it takes nothing away from those that do. */
  readonly inAdvance?: boolean;
  /** Called while the launcher is at work. */
  readonly meanwhile?: (container: Container) => void;
}

/** @throws WardenError of any code; what was done so far is in `undo` */
export async function buildContainer(containers: Containers, { id, handle, createdMs, order, inAdvance = false, meanwhile }: Plan, undo: UndoStack): Promise<Container> {
  const { host, configuration } = containers;
  const network = await acquireNetwork(containers, order, inAdvance);
  undo.push('release the network', () => containers.networks.release(network, host.clock.now()));

  const identity = containers.uids.acquire() ?? (inAdvance ? undefined : await identityOfWaiting(containers));
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
    host.rootFileSystems.hold(id, inAdvance ? undefined : handle, image);
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
  const identification: ContainerIdentification = { id, handle, directory, disk, network, identity, link, rootfsPath, image, bindMounts: bindMounts.kept, graceTimeMs, labels: order.labels, expiresAtMs, createdMs };
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
  meanwhile?.(container);
  container.linkIndex = (await launched).linkIndex;
  container.moveTo('active');
  return container;
}

/** What was given back is free a moment later; who needs it at once waits for it. Then what only waits for a client goes. */
async function acquireNetwork(containers: Containers, order: CreateOrder, inAdvance: boolean): Promise<ContainerNetwork> {
  let network = takeNetwork(containers, order);
  if (network === undefined && !inAdvance) {
    await containers.stale.forget();
    network = takeNetwork(containers, order) ?? (await containers.waiting.giveUpNetwork(order.address?.value));
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

/** What one gives up is free for everybody: another client in want may have been faster. */
async function identityOfWaiting(containers: Containers): Promise<ContainerIdentity | undefined> {
  while (await containers.waiting.giveUp()) {
    const identity = containers.uids.acquire();
    if (identity !== undefined) return identity;
  }
  return undefined;
}
