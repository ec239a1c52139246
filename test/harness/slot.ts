/*
 * A number of its own for each running test file, and everything that is derived from it: directory, cgroup parent,
 * nftables tables, address pool, uids. Two files, or two checkouts, that run at the same time never share any of them.
 *
 * A slot is held by listening on an abstract unix socket: the kernel gives the name to one process and takes it back
 * when that ends, however it ends. What a process that was killed left in its slot is cleared by the next holder.
 */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { loopsBelow } from './disks.js';
import { deleteTable } from './nftables.js';
import { belongsToGroups, findProcesses, isAlive, readProc } from './processes.js';
import { runProgram } from './run-program.js';
import { untilSeen } from './wait.js';

const LAST_SLOT = 54;
/** Ports of the host for each slot. */
export const PORTS = 80;
export const CGROUP_ROOT = '/sys/fs/cgroup';

export interface Slot {
  readonly number: number;
  /** Everything of this file lies below; removed at its end. Short, because a unix socket's path has 107 bytes. */
  readonly directory: string;
  readonly cgroupParent: string;
  readonly table: string;
  /** 10.<200+n>.0.0/20 without its prefix length. */
  readonly network: string;
  readonly startPort: number;
  readonly startUid: number;
  readonly startSubuid: number;
  release(): void;
}

/** struct sockaddr_un has room for so much. Node 20 fills an abstract name up to it with zeros and later ones do not: filled here, it is one name for all of them. */
const NAME_BYTES = 108;

async function hold(number: number): Promise<net.Server | undefined> {
  const lock = net.createServer();
  lock.unref();
  try {
    lock.listen({ path: `\0warden-test-slot-${number}`.padEnd(NAME_BYTES, '\0') });
    await once(lock, 'listening');
    return lock;
  } catch {
    return undefined;
  }
}

export async function takeSlot(): Promise<Slot> {
  for (let number = 1; number <= LAST_SLOT; number++) {
    const directory = `/var/tmp/warden-test-${number}`;
    if (existsSync(keptMark(directory))) continue;
    const lock = await hold(number);
    if (lock === undefined) continue;
    const slot: Slot = {
      number, directory,
      cgroupParent: `warden-test-${number}`,
      table: `warden_test_${number}`,
      network: `10.${200 + number}.0.0`,
      startPort: 61_000 + number * PORTS,
      startUid: 20_000 + number * 300,
      startSubuid: 0x4000_0000 + number * 0x0100_0000,
      release: () => { lock.close(); },
    };
    await clear(slot);
    return slot;
  }
  throw new Error(`all ${LAST_SLOT} test slots are in use`);
}

/** KEEP=1 leaves this file, so that nobody clears the slot. */
export function keptMark(directory: string): string {
  return join(directory, 'kept');
}

/** The parent group in each hierarchy of a v1, v2 or hybrid machine. */
export function cgroupParents(slot: Slot): string[] {
  const roots = [CGROUP_ROOT, ...readdirSync(CGROUP_ROOT).map((name) => join(CGROUP_ROOT, name))];
  return roots.map((root) => join(root, slot.cgroupParent)).filter((path) => existsSync(path));
}

function removeGroups(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) removeGroups(join(path, entry.name));
  rmdirSync(path);
}

/** Ends what a killed test file left: its daemon, containers, groups, mounts, tables and files. */
async function clear(slot: Slot): Promise<void> {
  // Nothing of a monitor names the slot, but it holds its container's disk, and so the file system that was in the slot's directory.
  const devices = loopsBelow(slot.directory).map((loop) => ` /dev/${loop.split(' ')[0]} `);
  const holdsDisk = (pid: number): boolean => devices.some((device) => readProc(pid, 'mountinfo').includes(device));
  const ours = findProcesses((pid, command) =>
    command.includes(`${slot.directory}/`) || belongsToGroups(pid, slot.cgroupParent) || (command.startsWith('monitor ') && holdsDisk(pid)));
  for (const pid of ours) {
    try { process.kill(pid, 'SIGKILL'); } catch { /* it ended meanwhile */ }
  }
  await untilSeen(`end of what was left in ${slot.directory}`, () => !ours.some(isAlive), () => ours.filter(isAlive).join(), 5_000);
  for (const parent of cgroupParents(slot)) removeGroups(parent);
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((line) => line.split(' ')[4] ?? '').filter((path) => path.startsWith(`${slot.directory}/`));
  for (const path of mounts.reverse()) await runProgram('umount', [path]);
  await deleteTable(slot.table);
  rmSync(slot.directory, { recursive: true, force: true });
}
