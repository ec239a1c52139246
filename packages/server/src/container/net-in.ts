/**
 * net_in: ports of the host that lead to a container. The snapshot tells of a port before a client is told, and a port is closed before the
 * snapshot forgets it. What a server that dies meanwhile leaves open without a record is closed by the next, which loads the tables from the snapshots.
 */
import { WardenError } from 'warden-protocol';
import { againWhenGone } from '../host/ask-again.js';
import type { FirewallElement } from '../host/container-description.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { checkNetIn, checkNetInRemoval, type NetInRequest, type PortOrder } from './net-in-request.js';
import { forwardOf, leadsToSame, type PortMapping } from './port-mapping.js';
import { recordState } from './snapshot.js';

/** Of one container. */
const mappingsMaximum = 1024;

/**
 * @returns the ports; the host's is the pool's unless one was asked for
 * @throws WardenError invalid_argument, permission, wrong_state, exhausted; exists: the port is another's; anything that the kernel says, and then no port is open
 */
export async function openPort(containers: Containers, container: Container, request: NetInRequest): Promise<PortMapping> {
  const order = checkNetIn(request, containers.configuration.port.own);
  if (containers.host.plain !== undefined && order.containerPort !== undefined && order.containerPort !== order.hostPort) {
    throw new WardenError('unsupported', `container_port ${order.containerPort}: plain processes (server.container_klass: Insecure) listen on the port of the host itself: leave it out, and have them listen on the one that is answered`);
  }
  container.requireState('active');
  return containers.changes.run(container.id, async () => {
    container.requireState('active');
    if (container.netIn.length >= mappingsMaximum) throw new WardenError('exhausted', `${mappingsMaximum} ports lead to this container: more are not possible`);
    const mapping = order.hostPort === undefined ? await openFromPool(containers, container, order) : await openOwn(containers, container, order, order.hostPort);
    if (mapping.protocol === 'udp') forgetUnanswered(containers, mapping);
    return mapping;
  });
}

/**
 * Closes a port, and ends the connections that came by it.
 * @throws WardenError invalid_argument, wrong_state, not_found; anything that the kernel says, and then the port is open
 */
export async function closePort(containers: Containers, container: Container, request: NetInRequest): Promise<PortMapping> {
  const order = checkNetInRemoval(request);
  container.requireState('active', 'stopped');
  return containers.changes.run(container.id, async () => {
    container.requireState('active', 'stopped');
    const mapping = container.netIn.find((each) => each.protocol === order.protocol && each.hostPort === order.hostPort && (order.containerPort ?? each.containerPort) === each.containerPort);
    if (mapping === undefined) throw new WardenError('not_found', `no such port: ${order.protocol} port ${order.hostPort} of the host does not lead to ${order.containerPort === undefined ? 'this container' : `port ${order.containerPort} of this container`}`);
    await close(containers, container, mapping);
    giveBack(containers, container, mapping);
    return mapping;
  });
}

/**
 * What comes by a closed port is refused, at both ends. But a peer of UDP goes on from the same port of its own, and would be led here again when
 * the port is another's.
 */
function giveBack({ stale, ports }: Containers, container: Container, mapping: PortMapping): void {
  const { protocol, hostPort: port } = mapping;
  if (protocol === 'tcp') {
    ports.release(protocol, port);
    return;
  }
  stale.addPort({ protocol, port, address: container.network.containerAddress }, () => ports.release(protocol, port));
  void stale.forget();
}

function mappingOf({ protocol, containerPort }: PortOrder, hostPort: number): PortMapping {
  return { protocol, hostPort, containerPort: containerPort ?? hostPort };
}

/** A port of the pool that no program of this machine listens on. */
async function openFromPool(containers: Containers, container: Container, order: PortOrder): Promise<PortMapping> {
  const { ports, stale } = containers;
  const { protocol } = order;
  const inUse: number[] = [];
  try {
    for (;;) {
      let port = ports.acquire(protocol);
      if (port === undefined) {
        await stale.forget();
        port = ports.acquire(protocol);
      }
      if (port === undefined) throw new WardenError('exhausted', 'no port available: all of the pool (port.pool_start_port, port.pool_size) lead to containers; destroy one, or enlarge the pool');
      const mapping = mappingOf(order, port);
      if (await openUnlessListening(containers, container, mapping)) return mapping;
      inUse.push(port);
    }
  } finally {
    for (const port of inUse) ports.release(protocol, port);
  }
}

/** This very port. It is not written down before it is known that no program listens on it: the next server would take it away from that one. */
async function openOwn(containers: Containers, container: Container, order: PortOrder, port: number): Promise<PortMapping> {
  const { ports, stale } = containers;
  const { protocol } = order;
  if (!ports.claim(protocol, port)) {
    await stale.forget();
    if (!ports.claim(protocol, port)) throw new WardenError('exists', `Could not acquire port: ${port}: ${protocol} port ${port} of the host leads to a container already`);
  }
  let isTaken = true;
  try {
    isTaken = await againWhenGone(() => containers.host.launcher.isListening(protocol, port));
  } finally {
    if (isTaken) ports.release(protocol, port);
  }
  if (!isTaken) {
    const mapping = mappingOf(order, port);
    noteNew(containers, container, mapping);
    await open(containers, container, mapping);
    return mapping;
  }
  throw new WardenError('exists', `Could not acquire port: ${port}: a program of this machine listens on ${protocol} port ${port}`);
}

/** A port that cannot be written down is given back. */
function noteNew(containers: Containers, container: Container, mapping: PortMapping): void {
  try {
    note(containers, container, [...container.netIn, mapping]);
  } catch (error) {
    containers.ports.release(mapping.protocol, mapping.hostPort);
    throw error;
  }
}

/**
 * The launcher looks whether a program of this machine listens there, and opens the port when none does. It is written down then, and before a load can leave it out: were it written
 * down before, a server that is killed before the answer would have the next one take the port away from that program.
 * @returns false: there is such a program, and nothing was changed
 */
async function openUnlessListening(containers: Containers, container: Container, mapping: PortMapping): Promise<boolean> {
  const { host: { launcher }, firewall, ports } = containers;
  const elements = elementsFor(containers, container, mapping, 'ensure');
  try {
    return await firewall.change(async () => {
      const isOpen = await againWhenGone(() => launcher.openUnlessListening(mapping.protocol, mapping.hostPort, elements));
      if (isOpen) note(containers, container, [...container.netIn, mapping]);
      return isOpen;
    });
  } catch (error) {
    try {
      // The kernel may have taken it, and only the answer got lost.
      await change(containers, container, mapping, 'delete');
      ports.release(mapping.protocol, mapping.hostPort);
    } catch (again) {
      container.netIn = [...container.netIn, mapping];
      logStaysOpen(containers, container, mapping, again);
    }
    throw error;
  }
}

async function open(containers: Containers, container: Container, mapping: PortMapping): Promise<void> {
  try {
    await change(containers, container, mapping, 'ensure');
  } catch (error) {
    await goBack(containers, container, mapping);
    throw error;
  }
}

/** The kernel may have taken it, and only the answer got lost. */
async function goBack(containers: Containers, container: Container, mapping: PortMapping): Promise<void> {
  try {
    await withdraw(containers, container, mapping);
    containers.ports.release(mapping.protocol, mapping.hostPort);
  } catch (error) {
    logStaysOpen(containers, container, mapping, error);
  }
}

/** The record of the port stays, and nobody else gets it: it is closed when the container is destroyed. */
function logStaysOpen(containers: Containers, container: Container, mapping: PortMapping, error: unknown): void {
  containers.log.error({ container: container.id, handle: container.handle, port: mapping.hostPort, err: error }, 'a port that could not be opened could not be closed either');
}

async function close(containers: Containers, container: Container, mapping: PortMapping): Promise<void> {
  try {
    await withdraw(containers, container, mapping);
  } catch (error) {
    await change(containers, container, mapping, 'ensure').catch((again: unknown) => {
      containers.log.error({ container: container.id, handle: container.handle, port: mapping.hostPort, err: again }, 'a port that could not be closed could not be opened again; the next start does');
    });
    throw error;
  }
}

/** Closed first, and taken from the record then. @throws what failed; the record has it still */
async function withdraw(containers: Containers, container: Container, mapping: PortMapping): Promise<void> {
  const before = container.netIn;
  try {
    // A load of the firewall from now on does not have it.
    container.netIn = before.filter((each) => each !== mapping);
    await change(containers, container, mapping, 'delete');
    recordState(containers, container);
  } catch (error) {
    container.netIn = before;
    throw error;
  }
}

async function change(containers: Containers, container: Container, mapping: PortMapping, operation: FirewallElement['operation']): Promise<void> {
  const elements = elementsFor(containers, container, mapping, operation);
  await containers.firewall.change(() => againWhenGone(() => containers.host.launcher.changeFirewall(elements)));
}

function elementsFor({ host }: Containers, container: Container, mapping: PortMapping, operation: FirewallElement['operation']): FirewallElement[] {
  const isShared = container.netIn.some((other) => other !== mapping && leadsToSame(mapping, other));
  return host.firewall.portElementsOf(forwardOf(container, mapping), operation, isShared);
}

function note(containers: Containers, container: Container, mappings: readonly PortMapping[]): void {
  const before = container.netIn;
  container.netIn = mappings;
  try {
    recordState(containers, container);
  } catch (error) {
    container.netIn = before;
    throw error;
  }
}

/**
 * Somebody who has sent datagrams to this port before has got no answer. As long as he goes on, the kernel takes them for one connection, for which it was
 * decided where it leads when there was no container.
 */
function forgetUnanswered({ stale }: Containers, { protocol, hostPort: port }: PortMapping): void {
  stale.addPort({ protocol, port, address: undefined }, () => undefined);
  void stale.forget();
}
