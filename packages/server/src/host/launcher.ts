/** The host's part of making a container, as the container code needs it. */
import { WardenError } from 'warden-protocol';
import type { Ipv4Address, Ipv4Range } from '../lib/ipv4.js';
import type { PortProtocol } from '../lib/port.js';
import type { ContainerDescription, FirewallChain, FirewallElement } from './container-description.js';
import type { LinkStatistics } from './statistics.js';

/** The launcher ended before it answered; the next request starts it again. */
export class LauncherGone extends WardenError {
  override readonly name = 'LauncherGone';

  constructor(message: string) {
    super('unavailable', message);
  }
}

/** The firewall's tables are not there, or not whole: they have to be loaded. */
export class FirewallMissing extends WardenError {
  override readonly name = 'FirewallMissing';

  constructor(cause: WardenError) {
    super(cause.code, cause.message, { cause });
  }
}

/** Somebody has changed the firewall's tables. */
export interface FirewallChange {
  /** Netlink's number of the socket that did it, mostly its process id; nothing is known when there were several. */
  readonly port?: number;
  /** Process id outside of all namespaces. */
  readonly pid?: number;
  /** The process's name. */
  readonly program?: string;
  /** Perhaps nobody has: nobody was watching. */
  readonly unwatched?: boolean;
}

/** A token bucket. */
export interface Bandwidth {
  /** Bytes per second. */
  readonly rate: bigint;
  /** Bytes. */
  readonly burst: bigint;
}

/** What the kernel limits a link to; undefined: it does not. */
export interface BandwidthInForce {
  /** To the container. */
  readonly inbound: Bandwidth | undefined;
  /** From it. */
  readonly outbound: Bandwidth | undefined;
}

/** A container's link with the host's interface that shapes what comes from the container; that one exists only with a limit. */
export interface ShapedLink {
  readonly hostName: string;
  readonly ifbName: string;
  readonly mtu: number;
}

/** A port of the host, and where connections to it were led. */
export interface ForwardedPort {
  readonly protocol: PortProtocol;
  readonly port: number;
  /** Of the container; undefined: they were led nowhere, and nobody answered. */
  readonly address: Ipv4Address | undefined;
}

/** Connections that the kernel is to know no longer. */
export interface StaleConnections {
  /** Those that begin here, and those that are answered from here. */
  readonly addresses: readonly Ipv4Range[];
  /** Those that came by one of these. */
  readonly ports: readonly ForwardedPort[];
}

export interface MadeContainer {
  /** The process id of the container's monitor. */
  readonly pid: number;
  /** As HostLinks.indexOf() has it; undefined: of a launcher that does not tell, or there is no link. */
  readonly linkIndex: number | undefined;
}

export interface Launcher {
  /**
   * Makes a container: processes, cgroups, mounts, links, firewall elements. When it fails, nothing of it is left.
   * @throws FirewallMissing
   */
  create(description: ContainerDescription): Promise<MadeContainer>;
  /** Changes the firewall in one transaction: chains are made, then elements changed, then chains deleted. What is to be deleted and absent is no error. @throws FirewallMissing */
  changeFirewall(elements: readonly FirewallElement[], chains?: readonly FirewallChain[]): Promise<void>;
  /** From now on the next change of the firewall by anybody else is told, once; at once when there was one since the last that was told. */
  watchFirewall(): Promise<void>;
  /**
   * Limits what a link carries in each direction, also when it is limited already.
   * @param alias of the ifb, by which it is known whose it is
   * @returns what the kernel has then
   */
  limitBandwidth(link: ShapedLink, limit: Bandwidth, alias: string): Promise<BandwidthInForce>;
  readBandwidth(link: ShapedLink): Promise<BandwidthInForce>;
  /** Removes the ifb and, of a link that stays, the limit. What is not there is no error. */
  removeBandwidthLimit(link: Pick<ShapedLink, 'ifbName'> & { readonly hostName?: string }): Promise<void>;
  /** What a link has carried. @param hostName the host's end */
  readLinkStatistics(hostName: string): Promise<LinkStatistics>;
  /** Whether a socket of the host listens on a port, on any of its addresses, or takes datagrams there from anybody. */
  isListening(protocol: PortProtocol, port: number): Promise<boolean>;
  /** Changes the firewall unless a socket of the host listens on that port. @returns whether it was changed @throws FirewallMissing */
  openUnlessListening(protocol: PortProtocol, port: number, elements: readonly FirewallElement[]): Promise<boolean>;
  /** Takes a link away that has outlived its container; not one of that name with another number. What is not there is no error. */
  removeLink(hostName: string, index: number): Promise<void>;
  /** Takes connections out of the kernel's table, in a process of its own: the table may be large. */
  forgetConnections(stale: StaleConnections): Promise<void>;
}
