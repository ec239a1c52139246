/*
 * What a run that was killed has left: a wardend that has outlived it, with its containers, the mount of its depot, cgroups and tables. A wardend of ours destroys the
 * containers, as any would. What that cannot do, because the directory is damaged or half of it is gone, is done without it: by the names of the groups, which nobody else has.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { groupsNamed, processesIn, removeTree } from './groups.js';
import type { KilledRun } from './lock.js';
import { runNameOf } from './run-name.js';
import { Server, tableOf } from './server.js';

const END_MS = 20_000;

/** Throws for what cannot be removed. */
export async function removeLeftover({ pid, directory }: KilledRun, programs: string): Promise<void> {
  const name = runNameOf(pid);
  const server = new Server(directory, `${directory}/rootfs`, programs, name);
  await server.endLeftover();
  if (existsSync(`${directory}/depot/containers`)) {
    try {
      await server.start();
      await server.destroyAll();
      await server.remove();
    } catch (error) {
      process.stderr.write(`what a killed run left in ${directory} is removed by force: ${error instanceof Error ? error.message : String(error)}\n`);
      await server.end('SIGKILL');
    }
  }
  await endProcesses(name, directory);
  for (const mountPoint of mountsBelow(directory, readFileSync('/proc/self/mountinfo', 'utf8'))) {
    const { status, stderr } = spawnSync('umount', [mountPoint], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`umount ${mountPoint}: ${stderr.trim()}`);
  }
  for (const group of groupsNamed(name)) removeTree(group);
  for (const family of ['inet', 'arp']) spawnSync('nft', ['delete', 'table', family, tableOf(name)], { stdio: 'ignore' });
  rmSync(directory, { recursive: true, force: true });
}

/** The innermost first: a mount that others lie on cannot be removed. */
export function mountsBelow(directory: string, mountInformation: string): string[] {
  const mountPoints = mountInformation.split('\n').map((line) => (line.split(' ')[4] ?? '').replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8))));
  // The directory itself may be a mount of somebody's, on which the bench was to run.
  return mountPoints.filter((mountPoint) => mountPoint.startsWith(`${directory}/`)).reverse();
}

/** What runs beside a container: the launcher and those that it starts, some of them out of memory, and wardend. */
const PROGRAMS = /^(?:\/memfd:(?:wshd|files)|.*\/(?:launcher|monitor|archive|node))(?: \(deleted\))?$/;

/**
 * A container's processes are in its groups; its monitor is in none, but has them open, and the launcher the depot's lock. Somebody who looks into the depot
 * has files of it open, too, and is nobody of ours.
 */
function processesOf(groups: readonly string[], depot: string): number[] {
  const isOurs = (path: string): boolean => [...groups, depot].some((ours) => path === ours || path.startsWith(`${ours}/`));
  const holds = (pid: number): boolean => PROGRAMS.test(programOf(pid)) && filesOf(`/proc/${pid}/fd`).some(isOurs);
  return [...new Set([...groups.flatMap(processesIn), ...readdirSync('/proc').map(Number).filter((pid) => pid > 0 && pid !== process.pid && holds(pid))])];
}

/** The program that a process runs. */
export function programOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return ''; // of the kernel, or it has ended
  }
}

/** What a process has open. @param fds the directory of its descriptors: proc_pid_fd(5) */
export function filesOf(fds: string): string[] {
  return namesIn(fds).flatMap((fd) => {
    try {
      return [readlinkSync(`${fds}/${fd}`)];
    } catch {
      return []; // closed meanwhile; the others count
    }
  });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // it has ended
  }
}

async function endProcesses(name: string, directory: string): Promise<void> {
  const begin = performance.now();
  for (;;) {
    const left = processesOf(groupsNamed(name), `${directory}/depot`);
    if (left.length === 0) return;
    if (performance.now() - begin > END_MS) throw new Error(`processes of a run that was killed do not end within ${END_MS / 1000} s: ${left.join(', ')}`);
    for (const pid of left) end(pid);
    await sleep(2);
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
