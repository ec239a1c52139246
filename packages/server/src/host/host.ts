/**
 * Everything the container code needs from the machine. Narrow on purpose: a recording host in the tests fails call N, for
 * every N, and nothing may be left.
 */
import type { Ipv4Address } from '../lib/ipv4.js';
import type { PortProtocol, PortRange } from '../lib/port.js';
import type { Clock } from '../lib/timer.js';
import type { CgroupDescription, FirewallChain, FirewallElement, LinkDescription, MountDescription } from './container-description.js';
import type { Accounts, CopyCounts, CopyOrder, Copying } from './copies.js';
import type { ContainerDisk, Disks } from './disk.js';
import type { FirewallChange, Launcher } from './launcher.js';
import type { ContainerImage } from './image.js';
import type { CpuLimits, MemoryLimits, PidsLimits } from './limits.js';
import type { JobExit, Monitors } from './monitor.js';
import type { NameFirewall } from './name-firewall.js';
import type { NetOutRule } from './net-out-rule.js';
import type { Resolver } from './resolver.js';
import type { Statistics } from './statistics.js';

/** What a dead monitor has left of one of its jobs. */
export interface JobRemains {
  readonly jobId: number;
  /** Undefined: it had not ended, or nobody knows. */
  readonly exit: JobExit | undefined;
  /** Bytes of output that the monitor kept; without it they are lost. */
  readonly outputInBytes: number;
}

/** A network that was given back and rests. */
export interface NetworkRelease {
  /** First address of the /30. */
  readonly network: Ipv4Address;
  /** Monotonic time of this boot. */
  readonly freeFromMs: number;
}

export interface ContainerDirectory {
  /** Absolute path. */
  readonly path: string;
  /** Where its overlay's layers lie when that is not in it; as in ContainerDisk. */
  readonly disk: string | undefined;
}

/** The containers' directories. Nearly all calls are synchronous: each takes some ten microseconds. */
export interface Depot {
  /** Makes a container's directory, and its disk; both are mostly there in advance. */
  makeDirectory(containerId: string): Promise<ContainerDirectory>;
  directoryOf(containerId: string): string;
  /** The disk that the container was made with. */
  diskOf(containerId: string): string | undefined;
  /**
   * Moves the directory away and removes it, with its disk, in the background; one that is not there is no error.
   * @param disk the container's; undefined: which one it has, if any, is looked for
   */
  discardDirectory(containerId: string, disk?: ContainerDisk): void;
  /** Writes what the first snapshot is going to be, under a name that counts for nothing. @throws what open(2) and write(2) say; a part may be there then */
  prepareSnapshot(containerId: string, text: string): void;
  /** Records this snapshot behind the earlier ones, or alone: it is there as a whole or, when this throws, not at all. */
  writeSnapshot(containerId: string, text: string): void;
  /** The next one of this container is written sooner, if that can be had. Never fails. */
  expectSnapshot(containerId: string): void;
  /** Every container directory with its snapshots, the last one last, of which a part may be missing; undefined: there is none that can be read. */
  readSnapshots(): { readonly containerId: string; readonly snapshot: string | undefined }[];
  /** Jobs that the monitor has files of: exit records, output. */
  readJobRemains(containerId: string): JobRemains[];
  /** Notes a network that is about to be given back, so that a later server lets it rest as well. */
  recordRelease(release: NetworkRelease): void;
  /** Those of this boot that still rest. */
  readReleases(): NetworkRelease[];
}

export interface Cgroups {
  /** The groups of a container, with the settings they begin with. */
  describe(containerId: string): CgroupDescription[];
  /** Kills what is left in a container's groups and removes them; groups that are not there are no error. */
  removeLeftovers(containerId: string): Promise<void>;
  /** Containers that have groups, of this depot or not. */
  list(): string[];
  /** Whether any process is in a container's groups. */
  hasProcesses(containerId: string): boolean;
  /** Jobs of a container that have a group: those that run, and those of which a process is left. */
  jobIds(containerId: string): number[];
}

/** A port of the host that leads to a container. */
export interface PortForward {
  readonly protocol: PortProtocol;
  readonly hostPort: number;
  readonly address: Ipv4Address;
  readonly containerPort: number;
}

/** A change of the firewall for rules of net_out. */
export interface NetOutChange {
  readonly elements: readonly FirewallElement[];
  readonly chains: readonly FirewallChain[];
  /** To be called with the launcher's answer, before the tables can be loaded again. */
  readonly ended: (isMade: boolean) => void;
}

export interface Firewall {
  /** Replaces the tables in one transaction by those that have these links' elements. @throws WardenError */
  load(links: readonly Pick<LinkDescription, 'hostName' | 'containerMac' | 'containerAddress'>[]): Promise<void>;
  /** Whether it was a load that changed them. */
  isOwnChange(change: FirewallChange): boolean;
  /** The elements that let a link's packets in, and no others. */
  elementsOf(link: Pick<LinkDescription, 'hostName' | 'containerMac' | 'containerAddress'>, operation: FirewallElement['operation']): FirewallElement[];
  /** Gives a container one rule more, at a cost that does not grow with their number. */
  netOutAdded(container: Pick<LinkDescription, 'containerAddress'>, rule: NetOutRule): NetOutChange;
  /** Takes one of its rules from a container that keeps others, at a cost that hardly grows with their number. */
  netOutRemoved(container: Pick<LinkDescription, 'containerAddress'>, rule: NetOutRule): FirewallChain[];
  /** Gives a container these rules in place of those it has. */
  netOutOf(container: Pick<LinkDescription, 'containerAddress'>, rules: readonly NetOutRule[]): NetOutChange;
  /** What makes the first rules of containers to come cheap, when a container has got one; undefined: nothing has to be done. */
  netOutAhead(container: Pick<LinkDescription, 'containerAddress' | 'prefix'>): NetOutChange | undefined;
  /**
   * The elements that lead a port of the host to a container, and no others.
   * @param isShared another port leads to the same port of the container: what both need is not deleted
   */
  portElementsOf(forward: PortForward, operation: FirewallElement['operation'], isShared?: boolean): FirewallElement[];
}

/** A root file system as a create names it. */
export interface RootFileSystem {
  /** The topmost first. */
  readonly lowers: readonly string[];
  readonly mounts: readonly MountDescription[];
  /** What it is made of; undefined: a directory. */
  readonly image?: ContainerImage;
  /** Of a directory: another one has another, and so has the same one when something in it, but not below, was made or removed. */
  readonly identity?: string;
  /** Whether opening it again would give the same: cheaper than to do it. False also when that is not certain; undefined: it never is. Never fails. */
  readonly isStill?: () => boolean;
}

export interface RootFileSystems {
  /**
   * @param name a directory, `image:` and the name or id of an image, or the name of a directory
   * @throws WardenError not_found: `rootfs X not found`
   */
  open(name: string): RootFileSystem;
  /** The image's layers stay as long as the container is there. @param handle undefined: no client has it, and it is no reason to keep the image */
  hold(containerId: string, handle: string | undefined, image: ContainerImage): void;
  /** The container is gone. */
  release(containerId: string): void;
  /** A container lives of which nobody knows what it is made of. */
  holdEverything(): void;
}

/** What a client wants mounted into a container. */
export interface BindSource {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** A regular file. */
  readonly isFile: boolean;
}

export interface BindSources {
  /**
   * @param writable what containers can write to, without symbolic links: a path that enters one of these has to stay there
   * @throws WardenError not_found: `Source path for bind mount does not exist: X`; invalid_argument
   */
  open(path: string, writable: readonly string[]): BindSource;
}

export interface HookPrograms {
  /** The path of a program that a create may name as a hook. @throws WardenError not_found, permission */
  find(name: string): string;
}

export interface NameServers {
  /** The host's own nameservers, in order. */
  list(): string[];
  /** The same, and whether they still are: cheaper than to list them again. */
  look(): FoundNameServers;
}

export interface FoundNameServers {
  readonly servers: readonly string[];
  /** False also when that is not certain. Never fails. */
  readonly isStill: () => boolean;
}

export interface Syslog {
  /** Where the lines of jobs with a log_tag go, without symbolic links as far as they lead anywhere; nothing need be there. */
  socketPath(): string;
  /** The machine's zone as TZ has it in POSIX: `CET-1CEST,M3.5.0,M10.5.0/3`. */
  timeZone(): string;
}

export interface CoreDumps {
  /** Whether the memory of a crashed process goes somewhere else than into a file in its own root directory. */
  leaveContainers(): boolean;
}

export interface HostLinks {
  /** The number of the host's interface of that name; the kernel gives it to no other one soon. Undefined: there is none. */
  indexOf(hostName: string): number | undefined;
  /** Interfaces of the host that are named as containers' links are, with their address. */
  list(): { readonly hostName: string; readonly hostAddress: Ipv4Address }[];
  /** Interfaces of the host that are named as those of bandwidth limits are, with the alias that tells whose they are. */
  listIfbs(): { readonly ifbName: string; readonly alias: string }[];
}

export interface Copies {
  /** @param progress called some ten times a second */
  start(order: CopyOrder, progress: (counts: CopyCounts) => void): Copying;
}

export interface Host {
  /** There are no containers here, only plain processes. */
  readonly plain?: {
    /** An event of each. */
    readonly caution: string;
  };
  readonly launcher: Launcher;
  readonly monitors: Monitors;
  readonly depot: Depot;
  readonly disks: Disks;
  readonly cgroups: Cgroups;
  readonly memory: MemoryLimits;
  readonly cpu: CpuLimits;
  readonly pids: PidsLimits;
  readonly firewall: Firewall;
  readonly nameFirewall: NameFirewall;
  readonly resolver: Resolver;
  readonly rootFileSystems: RootFileSystems;
  readonly bindSources: BindSources;
  readonly hookPrograms: HookPrograms;
  readonly links: HostLinks;
  readonly nameServers: NameServers;
  readonly syslog: Syslog;
  readonly copies: Copies;
  readonly accounts: Accounts;
  readonly coreDumps: CoreDumps;
  readonly statistics: Statistics;
  readonly clock: Clock;
  /** Changes at every boot of the machine. */
  readonly bootId: string;
  /** What the kernel gives to connections of the machine's own. */
  readonly ephemeralPorts: PortRange;
  /** LANG of the containers' jobs. */
  readonly lang: string;
}
