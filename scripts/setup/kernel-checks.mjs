/**
 * What the kernel and the machine must offer, one finding each: what is there, whether that is enough, and what to do
 * if not. Each check looks or tries for real; none changes anything outside a namespace that it made itself.
 */
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { dirname } from 'node:path';
import { runProgram } from './program.mjs';

/** @typedef {import('./steps.mjs').Finding} Finding */

const PROBE_DEADLINE_MS = 10_000;
/** Overlay accepts idmapped layers since 5.19 (vfs: kernel commit bc70682a497c). */
const OLDEST_KERNEL = /** @type {const} */ ([5, 19]);
const MEBIBYTE = 1024 * 1024;
const DISK_NEEDED_IN_BYTES = 200 * MEBIBYTE;
const DISK_ADVISED_IN_BYTES = 2048 * MEBIBYTE;
const CAP_SYS_RESOURCE = 24n;
/** The default limit of processes of one container: container_pids_max. */
const DEFAULT_PIDS_PER_CONTAINER = 1024;

const INODES_ADVISED = 10_000;

/** File systems, by their type of statfs(2), that overlay refuses as an upper layer. */
const UNFIT_FILE_SYSTEMS = new Map([[0x794c7630, 'overlay'], [0x6969, 'NFS'], [0x65735546, 'FUSE'], [0x01021997, '9p'], [0xff534d42, 'SMB']]);

/** @param {string} path */
function readText(path) {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined; // absent or unreadable: both are "not offered" to the checks
  }
}

/** @param {string} [version] */
export function checkKernelVersion(version = release()) {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const enough = major > OLDEST_KERNEL[0] || (major === OLDEST_KERNEL[0] && minor >= OLDEST_KERNEL[1]);
  return enough
    ? finding('ok', `kernel ${version}`)
    : finding('fail', `kernel ${version} is too old: overlay on idmapped layers needs ${OLDEST_KERNEL.join('.')}. Boot a newer kernel (Debian 12 and Ubuntu 24.04 have one)`);
}

/**
 * @param {import('./steps.mjs').Level} level
 * @param {string} text
 * @returns {Finding}
 */
function finding(level, text) {
  return { level, text };
}

/**
 * Which cgroup hierarchy there is, and whether the controllers that limits need are in it.
 * @param {string} [mountinfo] content of /proc/self/mountinfo
 * @param {(path: string) => string | undefined} [read]
 */
export function checkCgroups(mountinfo = readText('/proc/self/mountinfo') ?? '', read = readText) {
  /** @type {Set<string>} */
  const v1 = new Set();
  let v2 = '';
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [type, , options = ''] = after.split(' ');
    if (type === 'cgroup') for (const option of options.split(',')) v1.add(option);
    if (type === 'cgroup2') v2 ||= before.split(' ')[4] ?? '';
  }
  const v2Controllers = new Set((v2 && read(`${v2}/cgroup.controllers`))?.split(/\s+/) ?? []);
  const onV1 = v1.has('memory') || v1.has('cpu');
  const needed = onV1 ? ['cpu', 'memory', 'pids', 'devices', 'freezer'] : ['cpu', 'memory', 'pids'];
  const missing = needed.filter((name) => !(onV1 ? v1 : v2Controllers).has(name));
  const kind = onV1 ? (v2 ? 'hybrid (controllers on v1)' : 'v1') : v2 ? 'v2' : 'none';
  if (kind === 'none') {
    return finding('fail', 'cgroups: no hierarchy is mounted. Mount one: mount -t cgroup2 none /sys/fs/cgroup');
  }
  if (missing.length > 0) {
    return finding('fail', `cgroups: ${kind}, without ${missing.join(', ')}. Remove cgroup_disable=… from the kernel's command line, or mount the controllers`);
  }
  return finding('ok', `cgroups: ${kind}, ${needed.join(' ')}`);
}

/** Overlay file systems, with the module loaded when it is one. */
async function checkOverlay() {
  const listed = () => /\boverlay$/m.test(readText('/proc/filesystems') ?? '');
  if (!listed()) await runProgram('modprobe', ['overlay'], { deadlineMs: PROBE_DEADLINE_MS });
  return listed() ? finding('ok', 'overlay file systems') : finding('fail', 'overlay file systems are missing. Load the module: modprobe overlay');
}

/** @param {(path: string) => string | undefined} [read] */
export function checkUserNamespaces(read = readText) {
  const most = Number(read('/proc/sys/user/max_user_namespaces') ?? '0');
  return most > 0
    ? finding('ok', `user namespaces: up to ${most}`)
    : finding('fail', 'user namespaces are switched off. Allow them: sysctl -w user.max_user_namespaces=65536 (and CONFIG_USER_NS in the kernel)');
}

/** @param {(path: string) => string | undefined} [read] */
export function checkSeccomp(read = readText) {
  const status = /^Seccomp:/m.test(read('/proc/self/status') ?? '');
  const actions = read('/proc/sys/kernel/seccomp/actions_avail') ?? '';
  return status && /\berrno\b/.test(actions) && /\bkill_process\b/.test(actions)
    ? finding('ok', 'seccomp filters')
    : finding('fail', 'seccomp filters are missing: the kernel needs CONFIG_SECCOMP_FILTER');
}

/**
 * The nearest directory above (or at) a path that exists: what will be made there is on the same file system.
 * @param {string} path
 */
function nearestExisting(path) {
  let found = path;
  while (!existsSync(found) && found !== '/') found = dirname(found);
  return found;
}

/**
 * Idmapped mounts, tried with native/mount-check on the file systems of the depot, the root file system and /usr.
 * @param {string} program native/mount-check, built
 * @param {readonly string[]} paths that need not exist yet
 * @returns {Promise<Finding>}
 */
export async function checkIdmappedMounts(program, paths) {
  const result = await runProgram(program, paths.map(nearestExisting), { deadlineMs: PROBE_DEADLINE_MS });
  if (result.status === 0) return finding('ok', `idmapped mounts of ${paths.join(', ')}`);
  const reason = firstLine(result.output);
  if (reason.startsWith('make user namespace')) {
    return finding('fail', `user namespaces: ${reason}. They must be allowed (sysctl user.max_user_namespaces), and this must not run in a chroot`);
  }
  return result.status === 1
    ? finding('fail', `idmapped mounts: ${reason}. Put container_depot_path and container_rootfs_path on ext4, XFS or btrfs`)
    : finding('fail', `idmapped mounts: ${program} could not tell (${reason}). Build it: make -C native`);
}

/**
 * Whether the depot's file system can carry overlay's upper layers, and has room.
 * @param {string} depot may not exist yet
 * @returns {Finding[]}
 */
export function checkDepot(depot) {
  const { type, bavail, bsize, files, ffree } = statfsSync(nearestExisting(depot));
  const unfit = UNFIT_FILE_SYSTEMS.get(type);
  const free = bavail * bsize;
  const room = `${(free / MEBIBYTE / 1024).toFixed(1)} GiB free for ${depot}`;
  /** @type {Finding[]} */
  const findings = [];
  if (unfit) findings.push(finding('fail', `depot: ${depot} is on ${unfit}, which cannot carry overlay's upper layers. Put container_depot_path on ext4, XFS or btrfs`));
  if (free < DISK_NEEDED_IN_BYTES) findings.push(finding('fail', `disk: ${room}, at least ${DISK_NEEDED_IN_BYTES / MEBIBYTE} MiB are needed. Make room`));
  else if (free < DISK_ADVISED_IN_BYTES) findings.push(finding('warn', `disk: only ${room}. Containers write there`));
  else if (files > 0 && ffree < INODES_ADVISED) findings.push(finding('warn', `disk: only ${ffree} inodes free for ${depot}. Every file of a container takes one`));
  else findings.push(finding('ok', `disk: ${room}`));
  return findings;
}

/** nftables answers, and has what the rules use: tried in a network namespace of its own. */
async function checkNftables() {
  const listed = await runProgram('nft', ['list', 'tables'], { deadlineMs: PROBE_DEADLINE_MS });
  if (listed.status === 127) return finding('fail', 'nftables: the program nft is missing. Install the package nftables');
  if (listed.status !== 0) return finding('fail', `nftables: ${firstLine(listed.output)}. Load the module: modprobe nf_tables`);
  const rules = [
    'table inet probe {',
    ' map hosts { type ifname : verdict; }',
    ' chain forward { type filter hook forward priority 0; iifname vmap @hosts; ct state established,related accept; }',
    ' chain post { type nat hook postrouting priority 100; ip saddr 10.254.0.0/22 masquerade; }',
    '}',
  ].join('\n');
  const loaded = await runProgram('unshare', ['--net', 'nft', '-f', '-'], { deadlineMs: PROBE_DEADLINE_MS, input: `${rules}\n` });
  return loaded.status === 0
    ? finding('ok', 'nftables: maps, connection tracking, NAT')
    : finding('fail', `nftables: a table with maps, connection tracking and NAT was refused (${firstLine(loaded.output)}). Load the modules: modprobe -a nf_tables nft_chain_nat nft_masq nft_ct`);
}

/** A veth pair, in a network namespace of its own. */
async function checkLinks() {
  const result = await runProgram('unshare', ['--net', 'ip', 'link', 'add', 'probe0', 'type', 'veth', 'peer', 'name', 'probe1'], { deadlineMs: PROBE_DEADLINE_MS });
  return result.status === 0
    ? finding('ok', 'network namespaces and veth links')
    : finding('fail', `network namespaces and veth links: ${firstLine(result.output)}. Load the module: modprobe veth; install the package iproute2`);
}

/** @param {string} output */
function firstLine(output) {
  return output.split('\n').find((line) => line.trim() !== '')?.trim() ?? 'no message';
}

/** @param {(path: string) => string | undefined} [read] @returns {Finding[]} */
export function checkRights(read = readText) {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(read('/proc/self/status') ?? '')?.[1] ?? '0'}`);
  return (effective >> CAP_SYS_RESOURCE) & 1n
    ? []
    : [finding('warn', 'CAP_SYS_RESOURCE is missing: resource limits of jobs cannot exceed those of this shell (ulimit -aH), they are clamped')];
}

/** @param {(path: string) => string | undefined} [read] */
export function checkForwarding(read = readText) {
  if (read('/proc/sys/net/ipv4/ip_forward') === '1') return finding('ok', 'IPv4 forwarding is on');
  try {
    accessSync('/proc/sys/net/ipv4/ip_forward', constants.W_OK);
    return finding('ok', 'IPv4 forwarding is off: wardend switches it on');
  } catch {
    return finding('warn', 'IPv4 forwarding is off and /proc/sys is read-only: containers reach nothing outside. On the machine: sysctl -w net.ipv4.ip_forward=1');
  }
}

/** @param {(path: string) => string | undefined} [read] */
export function checkPids(read = readText) {
  const most = Number(read('/proc/sys/kernel/pid_max') ?? '0');
  const full = Math.floor((most * 3) / 4 / DEFAULT_PIDS_PER_CONTAINER);
  return full >= 100
    ? finding('ok', `processes: pid_max ${most}`)
    : finding('warn', `processes: pid_max ${most} lets ${full} containers use all ${DEFAULT_PIDS_PER_CONTAINER} processes each. For more: sysctl -w kernel.pid_max=4194304`);
}

/**
 * Every check, in the order of importance.
 * @param {{ depot: string, rootfs: string, mountCheck: string }} paths container_depot_path, container_rootfs_path, and the
 *   built program native/mount-check
 * @returns {Promise<Finding[]>}
 */
export async function checkKernel({ depot, rootfs, mountCheck }) {
  const [overlay, idmapped, nftables, links] = await Promise.all([
    checkOverlay(), checkIdmappedMounts(mountCheck, [depot, rootfs, '/usr']), checkNftables(), checkLinks(),
  ]);
  return [
    checkKernelVersion(),
    checkCgroups(),
    overlay,
    checkUserNamespaces(),
    idmapped,
    ...checkDepot(depot),
    nftables,
    links,
    checkSeccomp(),
    ...checkRights(),
    checkForwarding(),
    checkPids(),
  ];
}
