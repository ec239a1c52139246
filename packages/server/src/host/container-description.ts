/**
 * The complete description of a container: everything the native programs need to make it, decided beforehand.
 * docs/native.md and native/lib/wire.h have the same fields.
 */
import type { HookPoint } from '../lib/hook-points.js';

export interface MountDescription {
  /** On the host. */
  readonly source: string;
  /** In the container, resolved inside its root only. */
  readonly destination: string;
  readonly readOnly: boolean;
  readonly recursive: boolean;
  /** The source has no symbolic link on its way: one that is there by now is an error. */
  readonly resolved?: boolean;
  /** A regular file. */
  readonly isFile?: boolean;
  /** Of the host's /usr, read-only: what the server adds is seen where the host has nothing of that name. */
  readonly additions?: boolean;
  /**
   * Whose files they are in the container. mapped (unless given): root's are root's, and what root makes is the host's root's; host: only vcap has the
   * same id on both sides; mapped-for-root: mapped when the source belongs to the host's root, else as host.
   */
  readonly ids?: 'mapped' | 'mapped-for-root' | 'host';
}

/** A program that runs while the container is made. */
export interface HookDescription {
  readonly point: HookPoint;
  /** The first is the program's path on the host. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

export interface FileOwner {
  /** As seen in the container. */
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export interface DirectoryDescription extends FileOwner {
  readonly path: string;
}

export interface FileDescription extends FileOwner {
  readonly path: string;
  readonly content: string;
}

/** A line of passwd(5) or group(5): the image's file without the lines of `name`, plus `line`. */
export interface AccountDescription {
  readonly path: string;
  readonly name: string;
  readonly line: string;
}

/** Who a shell in the container can be opened as. */
export interface UserDescription {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly privileged: boolean;
  readonly workingDirectory: string;
  /** NAME=value */
  readonly environment: readonly string[];
}

/** An extent of user_namespaces(7) maps, for uids and gids alike. */
export interface IdMapExtent {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

export interface CgroupDescription {
  /** Absolute path of the container's directory. */
  readonly path: string;
  readonly version: 1 | 2;
  /** Of a version 1 hierarchy; a nested container finds it by them. */
  readonly controllers?: readonly string[];
  /** Files written once the group exists. */
  readonly settings: readonly { readonly name: string; readonly content: string }[];
  /** Files of it that the monitor reads whenever a job ends: FollowedJob.usage(). */
  readonly usageFiles?: readonly string[];
}

/** A veth pair. Addresses are numbers, see lib/ipv4. */
export interface LinkDescription {
  readonly hostName: string;
  readonly containerName: string;
  readonly hostMac: Uint8Array;
  readonly containerMac: Uint8Array;
  readonly hostAddress: number;
  readonly containerAddress: number;
  readonly prefix: number;
  readonly mtu: number;
}

/** An element of a set of the firewall's tables. */
export interface FirewallElement {
  /** "ensure" adds what may be there already; deleting what is not there is no error. */
  readonly operation: 'add' | 'delete' | 'ensure';
  readonly family: 'inet' | 'arp';
  readonly table: string;
  readonly set: string;
  /** As nftables lays keys out: concatenated parts, each padded to 4 bytes. */
  readonly key: Uint8Array;
  /** End of an interval, in concatenations; the same length as the key. */
  readonly keyEnd?: Uint8Array;
  /** A map's value. */
  readonly data?: Uint8Array;
  /** A verdict map's value: jump to this chain. */
  readonly jump?: string;
  /** In a set with time-outs: after this the kernel takes it away. At most a day. */
  readonly timeoutMs?: number;
}

/** A chain without a hook. */
export interface FirewallChain {
  /** It is made when it is missing. ensure: it has these rules and no others; add: these behind those it has. */
  readonly operation: 'add' | 'delete' | 'ensure';
  readonly family: 'inet' | 'arp';
  readonly table: string;
  readonly name: string;
  /** In order. */
  readonly rules: readonly FirewallRule[];
  /** Of a chain to add to: the notes of rules that it is to lose, each of which it has once. */
  readonly gone?: readonly Uint8Array[];
}

export interface FirewallRule {
  /** The contents of NFTA_RULE_EXPRESSIONS. */
  readonly expressions: Uint8Array;
  /** Those of NFTA_RULE_USERDATA, which tell it from others of its chain. */
  readonly note: Uint8Array;
}

export interface ContainerDescription {
  readonly id: string;
  /** A wardend can run in it: it has no user namespace of its own, and its root is as good as the host's (server.allow_nested_warden). */
  readonly nested: boolean;
  /** Only for the title of PID 1. */
  readonly handle: string;
  /** The container's directory in the depot. */
  readonly directory: string;
  /** Holds upper and work directory of the overlay; undefined: they are in the container's directory. */
  readonly diskDirectory: string | undefined;
  /** By whose quotas its files are limited; undefined: by none. */
  readonly quotaKind: 'user' | 'project' | undefined;
  /** Root file system layers, topmost first. */
  readonly lowers: readonly string[];
  readonly mounts: readonly MountDescription[];
  readonly hooks: readonly HookDescription[];
  /** A JSON object that they get on standard input; undefined: there are none. */
  readonly hookInput: string | undefined;
  /** Parents first. */
  readonly upperDirectories: readonly DirectoryDescription[];
  readonly upperFiles: readonly FileDescription[];
  readonly accounts: readonly AccountDescription[];
  readonly users: readonly UserDescription[];
  readonly idMap: readonly IdMapExtent[];
  readonly cgroups: readonly CgroupDescription[];
  readonly hostname: string;
  readonly link: LinkDescription;
  readonly firewallElements: readonly FirewallElement[];
  /** Value of net.ipv4.ping_group_range in the container. */
  readonly pingGroups: string;
  /** Capabilities that a privileged job keeps: bit n is capability number n. */
  readonly privilegedCapabilities: bigint;
  /** On the host: the socket for lines of jobs with a log tag. */
  readonly syslogSocket: string;
  readonly deadlineMs: number;
}
