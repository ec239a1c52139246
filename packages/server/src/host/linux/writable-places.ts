/**
 * Paths on the host that a container may have had a hand in. What it can write to is known by its path; but the kernel shows a directory, or something below it,
 * once more wherever the host has mounted its file system, or bound a part of it, again.
 */
import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** The kernel's own limit: path_resolution(7). */
const linksOnAWay = 40;

/** A mount: the directory `root` of the file system `device` is seen at `point`. */
export interface HostMount {
  readonly device: string;
  readonly root: string;
  readonly point: string;
}

/**
 * Everywhere that something of these paths is seen, themselves first.
 * @param paths absolute, without symbolic links
 */
export function writablePlaces(paths: readonly string[], readMounts: () => readonly HostMount[] = hostMounts): string[] {
  if (paths.length === 0) return [];
  const mounts = readMounts();
  // The one that was mounted last covers those before it.
  const topmost = new Map(mounts.map((mount) => [mount.point, mount]));
  return [...new Set(paths.flatMap((path) => [path, ...placesOf(path, topmost, mounts)]))];
}

/** Undefined: no container has had a hand in where the path leads. */
export type LeadsOutOf = (path: string, real: string) => string | undefined;

/**
 * Of what containers can write to, wherever it is seen, a place that the way to a path enters, and leaves again by a link there or "..".
 * The part of the path before it is the host's alone, so a container that changes the rest meanwhile cannot make this say no.
 * @param real the path without symbolic links, as it was found
 */
export function leadsOutOf(path: string, real: string, writable: readonly string[], readMounts?: () => readonly HostMount[]): string | undefined {
  if (path === real || writable.length === 0) return undefined;
  const candidates = writablePlaces(writable, readMounts).filter((place) => !isWithin(real, place));
  if (candidates.length === 0) return undefined;
  const met = wayOf(path);
  return candidates.find((place) => met.some((each) => isWithin(each, place)));
}

/**
 * Whatever the way to a path comes by, also that of the links that it meets: one of the host's own may lead to a link in such a place. As far as it goes.
 * @returns paths without symbolic links
 */
function wayOf(path: string): string[] {
  const met: string[] = [];
  const ahead = path.split('/').reverse();
  let at = '';
  for (let links = 0, name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
      continue;
    }
    const target = targetOf(`${at}/${name}`);
    if (target === undefined) {
      at = `${at}/${name}`;
      met.push(at);
      continue;
    }
    if (++links > linksOnAWay) break;
    if (target.startsWith('/')) at = '';
    ahead.push(...target.split('/').reverse());
  }
  return met;
}

/** Undefined: it is no symbolic link, or not there. */
function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Why such a path is refused. */
export function ledOut(place: string): string {
  return `it leads out of ${place}, which a container can write to, by a symbolic link there`;
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || directory === '/' || path.startsWith(`${directory}/`);
}

export function realPath(path: string): string | undefined {
  try {
    // One system call; the other realpathSync asks for every component.
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

/** Fields 3 to 5 of proc_pid_mountinfo(5). */
export function parseMounts(text: string): HostMount[] {
  return text.split('\n').flatMap((line) => {
    const [, , device, root, point] = line.split(' ');
    return device === undefined || root === undefined || point === undefined ? [] : [{ device, root: unescape(root), point: unescape(point) }];
  });
}

function hostMounts(): HostMount[] {
  return parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** The kernel writes blanks, newlines and backslashes in octal. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function placesOf(path: string, topmost: ReadonlyMap<string, HostMount>, mounts: readonly HostMount[]): string[] {
  const own = mountOf(path, topmost);
  if (own === undefined) return [];
  // As its file system has it.
  const inside = join(own.root, path.slice(own.point === '/' ? 0 : own.point.length));
  return mounts.flatMap(({ device, root, point }) => {
    if (device !== own.device) return [];
    if (isWithin(inside, root)) return [join(point, inside.slice(root === '/' ? 0 : root.length)).replace(/(?<=.)\/$/, '')];
    return isWithin(root, inside) ? [point] : [];
  });
}

function mountOf(path: string, topmost: ReadonlyMap<string, HostMount>): HostMount | undefined {
  for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const mount = topmost.get(at);
    if (mount !== undefined) return mount;
  }
  return topmost.get('/');
}
