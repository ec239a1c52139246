/** Names and addresses of a container's link to the host. Pure. */
import type { LinkDescription } from '../host/container-description.js';
import { ipv4Bytes, type Ipv4Address } from '../lib/ipv4.js';
import { networkPrefix, type ContainerNetwork } from '../pool/network-pool.js';

/** IFNAMSIZ less its NUL: `w-`, the name, `-0`. */
const interfaceNameLimit = 15;
const longestName = interfaceNameLimit - 'w--0'.length;
const fitting = /^[0-9A-Za-z_.-]+$/;

/** What goes between `w-` and `-0`: the handle when an interface can be named so, else the internal id, which the caller knows to be free. */
export function linkNameOf(handle: string, id: string, isTaken: (hostName: string) => boolean): string {
  if (handle.length > longestName || !fitting.test(handle) || isTaken(hostInterfaceName(handle))) return id;
  return handle;
}

/** The host's end, `w-NAME-0`. */
export function hostInterfaceName(name: string): string {
  return `w-${name}-0`;
}

/** The interface on the host that shapes what comes from the container, `w-NAME-2`. */
export function ifbName(hostName: string): string {
  return `${hostName.slice(0, -'0'.length)}2`;
}

/** A locally administered address made of the IPv4 address: unique among the containers, the same after a restart. */
function macOf(address: Ipv4Address): Uint8Array {
  return Uint8Array.of(0x02, 0x00, ...ipv4Bytes(address));
}

export function linkOf(name: string, network: ContainerNetwork, mtu: number): LinkDescription {
  return {
    hostName: hostInterfaceName(name),
    containerName: `w-${name}-1`,
    hostMac: macOf(network.hostAddress),
    containerMac: macOf(network.containerAddress),
    hostAddress: network.hostAddress,
    containerAddress: network.containerAddress,
    prefix: networkPrefix,
    mtu,
  };
}
