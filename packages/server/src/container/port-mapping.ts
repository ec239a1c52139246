/** Ports of the host that lead to a container, as container, snapshot and info know them. */
import type { FirewallElement } from '../host/container-description.js';
import type { Firewall, PortForward } from '../host/host.js';
import type { PortProtocol } from '../lib/port.js';
import type { Container } from './container.js';

export interface PortMapping {
  readonly protocol: PortProtocol;
  readonly hostPort: number;
  readonly containerPort: number;
}

export function forwardOf({ network }: Container, mapping: PortMapping): PortForward {
  return { ...mapping, address: network.containerAddress };
}

/** To be deleted: the elements of all its ports, each once. */
export function portElementsOf(firewall: Firewall, container: Container): FirewallElement[] {
  return container.netIn.flatMap((mapping, index) => firewall.portElementsOf(forwardOf(container, mapping), 'delete', container.netIn.slice(index + 1).some((other) => leadsToSame(mapping, other))));
}

/** Whether two ports of the host lead to one of the container. */
export function leadsToSame(one: PortMapping, other: PortMapping): boolean {
  return one.protocol === other.protocol && one.containerPort === other.containerPort;
}

/** What a load of the firewall has; of a container that is being removed nothing. */
export function forwardsOf(containers: readonly Container[]): PortForward[] {
  return containers.filter(({ lastInfo }) => lastInfo === undefined).flatMap((container) => container.netIn.map((mapping) => forwardOf(container, mapping)));
}
