/** From what was reserved for a container to the complete description that the native programs work from. Pure. */
import type { CgroupDescription, ContainerDescription, DirectoryDescription, FileDescription, FirewallElement, HookDescription, MountDescription } from '../host/container-description.js';
import type { RootFileSystem } from '../host/host.js';
import { formatIpv4Address } from '../lib/ipv4.js';
import type { ContainerIdentification } from './container.js';
import { hookInputOf } from './hooks.js';
import { hostIds, idMapOf } from './id-map.js';
import { rootUser, vcapUser } from './users.js';

/** Bits of capabilities(7) that a privileged job keeps, within its user namespace. */
const privilegedCapabilities = [
  0, // CAP_CHOWN
  1, // CAP_DAC_OVERRIDE
  3, // CAP_FOWNER
  4, // CAP_FSETID
  5, // CAP_KILL
  6, // CAP_SETGID
  7, // CAP_SETUID
  8, // CAP_SETPCAP
  10, // CAP_NET_BIND_SERVICE
  18, // CAP_SYS_CHROOT
  31, // CAP_SETFCAP
].reduce((set, bit) => set | (1n << BigInt(bit)), 0n);

/** All there are. */
const everyCapability = 2n ** 64n - 1n;

/** CAP_SETFCAP. */
const setFileCapabilities = 1n << 31n;

/** In such a mount capabilities that root of the container gives to a file would be the host's. */
function isRootsOwn({ readOnly, ids }: MountDescription): boolean {
  return !readOnly && ids !== 'host';
}

/** HOST_NAME_MAX: a longer handle cannot be the hostname. */
const hostnameLimitInBytes = 64;

export interface DescriptionParts {
  readonly identification: ContainerIdentification;
  /** Undefined: no. */
  readonly nested?: boolean;
  readonly rootFileSystem: RootFileSystem;
  readonly bindMounts: readonly MountDescription[];
  readonly hooks: readonly HookDescription[];
  readonly cgroups: readonly CgroupDescription[];
  readonly firewallElements: readonly FirewallElement[];
  /** None: the container's host end. */
  readonly nameServers: readonly string[];
  readonly deadlineMs: number;
  readonly lang: string;
  readonly syslogSocket: string;
}

export function describeContainer(parts: DescriptionParts): ContainerDescription {
  const { identification, rootFileSystem, nested = false } = parts;
  const { identity, link } = identification;
  const hostname = hostnameOf(identification.handle, identification.id);
  return {
    id: identification.id,
    nested,
    handle: identification.handle,
    directory: identification.directory,
    diskDirectory: identification.disk.directory,
    quotaKind: identification.disk.backend === 'project' || identification.disk.backend === 'user' ? identification.disk.backend : undefined,
    lowers: rootFileSystem.lowers,
    mounts: [...rootFileSystem.mounts, ...parts.bindMounts],
    hooks: parts.hooks,
    hookInput: parts.hooks.length === 0 ? undefined : hookInputOf(identification),
    upperDirectories: upperDirectories(identity.uid),
    upperFiles: upperFiles(hostname, parts),
    accounts: [
      { path: '/etc/passwd', name: 'vcap', line: `vcap:x:${identity.uid}:${identity.uid}::/home/vcap:/bin/bash` },
      { path: '/etc/group', name: 'vcap', line: `vcap:x:${identity.uid}:` },
    ],
    idMap: nested ? hostIds : idMapOf(identity),
    cgroups: parts.cgroups,
    users: [rootUser(parts.lang), vcapUser(identity.uid, parts.lang)].map((user) => ({
      name: user.name,
      uid: user.id,
      gid: user.id,
      privileged: user.privileged,
      workingDirectory: user.home,
      environment: user.environment,
    })),
    hostname,
    link,
    firewallElements: parts.firewallElements,
    pingGroups: pingGroupsOf(identity.uid),
    privilegedCapabilities: nested ? everyCapability : parts.bindMounts.some(isRootsOwn) ? privilegedCapabilities & ~setFileCapabilities : privilegedCapabilities,
    syslogSocket: parts.syslogSocket,
    deadlineMs: parts.deadlineMs,
  };
}

/**
 * Ping sockets for every group of the container, because no job has CAP_NET_RAW. The kernel compares the host's ids of the
 * range's ends (net/ipv4/ping.c), and vcap's is the smallest of the container's, that of 65535 the largest.
 */
function pingGroupsOf(vcap: number): string {
  return `${vcap} 65535`;
}

/** The handle, as far as the kernel and hosts(5) can take it; else the id. */
export function hostnameOf(handle: string, id: string): string {
  if (Buffer.byteLength(handle) > hostnameLimitInBytes || /[\s#]/u.test(handle)) return id;
  return handle;
}

function upperDirectories(uid: number): DirectoryDescription[] {
  return [
    { path: '/etc', mode: 0o755, uid: 0, gid: 0 },
    { path: '/home', mode: 0o755, uid: 0, gid: 0 },
    { path: '/home/vcap', mode: 0o755, uid, gid: uid },
  ];
}

/** Those that say what the container is called. */
export function nameFiles(hostname: string, containerAddress: string): Pick<FileDescription, 'path' | 'content'>[] {
  return [
    { path: '/etc/hosts', content: `127.0.0.1 localhost\n${containerAddress} ${hostname}\n` },
    { path: '/etc/hostname', content: `${hostname}\n` },
  ];
}

function upperFiles(hostname: string, parts: DescriptionParts): FileDescription[] {
  const containerAddress = formatIpv4Address(parts.identification.network.containerAddress);
  const owner = { mode: 0o644, uid: 0, gid: 0 };
  return [
    ...nameFiles(hostname, containerAddress).map((file) => ({ ...file, ...owner })),
    { path: '/etc/resolv.conf', content: resolvConf(parts), ...owner },
  ];
}

function resolvConf({ nameServers, identification }: DescriptionParts): string {
  const chosen = nameServers.length > 0 ? nameServers : [formatIpv4Address(identification.network.hostAddress)];
  return chosen.map((server) => `nameserver ${server}\n`).join('');
}
