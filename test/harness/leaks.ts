/*
 * The scan that follows every test: of its containers nothing may be left on this machine. Each line of the result is
 * one thing that is still there. What the kernel or the daemon removes in the background (links, the trash) is waited
 * for by its event; everything else must be gone at the first look.
 */
import { existsSync, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Client } from './client.js';
import { diskLeaks, isOwnedMount, loopLeaks } from './disks.js';
import { listLinks } from './links.js';
import type { LinkMonitor } from './links.js';
import { tableElements } from './nftables.js';
import { belongsToGroups, commandLine, directoryOf, findProcesses, openDescriptors } from './processes.js';
import type { Paths } from './configuration.js';
import type { Place } from './run-program.js';
import { cgroupParents } from './slot.js';
import type { Slot } from './slot.js';
import { nextEvent, untilClean } from './wait.js';
import type { Trigger } from './wait.js';

const WAIT_MS = 4_000;
function subdirectories(path: string): string[] {
  return readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name));
}

export function cgroupLeaks(slot: Slot): string[] {
  return cgroupParents(slot).flatMap(subdirectories).map((path) => `cgroup ${path}`);
}

/** Processes of our containers, or with our depot on their command line, that are neither wardend nor its launcher. */
export function processLeaks(slot: Slot, own: ReadonlySet<number>): string[] {
  const found = findProcesses((pid, command) =>
    !own.has(pid) && (belongsToGroups(pid, slot.cgroupParent) || command.includes(`${slot.directory}/depot`) || (command.includes('registry/main.js') && directoryOf(pid).startsWith(slot.directory))));
  return found.map((pid) => `process ${pid}: ${commandLine(pid)}`);
}

/** `pid`: in whose mount namespace to look. */
export function mountLeaks(slot: Slot, pid: number | 'self' = 'self'): string[] {
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n').filter((line) => line.includes(`${slot.directory}/depot`)).map((line) => `mount ${line}`);
}

/** Files of the depot itself (lock, counters) are no leak. */
export function fileLeaks({ depot }: Paths): string[] {
  const leaks: string[] = [];
  for (const name of existsSync(depot) ? readdirSync(depot) : []) {
    const path = join(depot, name);
    if (!/^(containers|trash)$/.test(name)) continue;
    leaks.push(...readdirSync(path).map((entry) => `file ${join(path, entry)}`));
  }
  const staging = join(depot, 'images/staging');
  if (existsSync(staging)) leaks.push(...readdirSync(staging).map((entry) => `file ${join(staging, entry)}`));
  return leaks;
}

export interface Baseline { readonly elements: readonly string[]; readonly mounts: readonly string[]; readonly loops: readonly string[]; readonly descriptors: ReadonlyMap<number, number> }

/** Where the daemon runs: its network, and a process in its mount namespace. */
export interface Machine { readonly place: Place; readonly mounts: number | 'self' }

export interface ScanTarget {
  readonly slot: Slot; readonly paths: Paths; readonly machine: Machine; readonly pids: readonly number[];
  readonly client: Client | undefined; readonly links: LinkMonitor; readonly handles: ReadonlySet<string>;
}

export async function takeBaseline(slot: Slot, machine: Machine, pids: readonly number[]): Promise<Baseline> {
  return {
    elements: await tableElements(slot.table, machine.place),
    mounts: mountLeaks(slot, machine.mounts),
    loops: loopLeaks(slot.directory, machine.mounts),
    descriptors: new Map(pids.map((pid) => [pid, openDescriptors(pid).size])),
  };
}

async function linkLeaks({ slot, handles, machine }: ScanTarget): Promise<string[]> {
  const prefix = slot.network.split('.').slice(0, 2).join('.');
  const names = new Set([...handles].flatMap((handle) => [`w-${handle}-0`, `w-${handle}-1`, `w-${handle}-2`]));
  const links = await listLinks(machine.place);
  return links.filter(({ name, alias, addresses }) => names.has(name) || alias.startsWith(`warden ${slot.table} `) || addresses.some((address) => address.startsWith(`${prefix}.`)))
    .map(({ name }) => `link ${name}`);
}

function descriptorLeaks(baseline: Baseline): string[] {
  return [...baseline.descriptors].flatMap(([pid, count]) => {
    const open = openDescriptors(pid);
    const shown = [...open].map(([number, target]) => `${number}→${target}`).join(' ');
    return open.size > count ? [`descriptors of ${pid} (${commandLine(pid).slice(0, 40)}): ${open.size}, were ${count}: ${shown}`] : [];
  });
}

function nextFileChange(...directories: readonly string[]): Trigger {
  const triggers = directories.filter((directory) => existsSync(directory)).map((directory) => {
    const watcher = watch(directory);
    return nextEvent(watcher, 'change', () => watcher.close());
  });
  return { event: Promise.race(triggers.map(({ event }) => event)), disarm: () => triggers.forEach(({ disarm }) => disarm()) };
}

/** @param waitMs how long to wait for what goes away in the background */
export async function scanForLeaks(target: ScanTarget, baseline: Baseline, waitMs = WAIT_MS): Promise<string[]> {
  const { slot, paths, client, machine } = target;
  const own = new Set(target.pids);
  /** With what the daemon has mounted below it. */
  const depot = `/proc/${machine.mounts}/root${paths.depot}`;
  const roundTrip = (): Trigger => ({ event: (client?.ping() ?? Promise.resolve()).catch(() => undefined), disarm: () => {} });
  return [
    // A monitor's process ends after it has answered DESTROY; the daemon's next round trips give it the time for that.
    ...await untilClean(() => processLeaks(slot, own), roundTrip, waitMs),
    ...cgroupLeaks(slot),
    ...await untilClean(() => mountLeaks(slot, machine.mounts).filter((mount) => !baseline.mounts.includes(mount) && !isOwnedMount(mount.slice('mount '.length), paths)), roundTrip, waitMs),
    ...(await tableElements(slot.table, machine.place)).filter((element) => !baseline.elements.includes(element)).map((element) => `nftables element ${element}`),
    ...await untilClean(() => linkLeaks(target), () => target.links.nextChange(), waitMs),
    ...await untilClean(() => fileLeaks(paths), () => nextFileChange(join(paths.depot, 'trash'), join(paths.depot, 'images/staging')), waitMs),
    ...(existsSync(join(depot, 'disks')) ? await untilClean(() => diskLeaks({ ...paths, depot }), () => nextFileChange(join(depot, 'disks')), waitMs) : []),
    ...await untilClean(() => loopLeaks(slot.directory, machine.mounts).filter((loop) => !baseline.loops.includes(loop)), roundTrip, waitMs),
    ...await untilClean(() => descriptorLeaks(baseline), roundTrip, waitMs),
  ];
}
