/**
 * Where the files of plain processes lie: DIRECTORY/rootfs is what paths of requests begin in. Jobs see the machine's own files, and begin in the home directory there;
 * so a path that a job has told, which has all of it before, is understood as well.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** As requests name it. */
export const homePath = '/home/vcap';
const temporaryPath = '/tmp';

/** The root directory of a container's requests. @param directory the container's own */
export function rootOf(directory: string): string {
  return join(directory, 'rootfs');
}

/** @throws an error of Node's */
export function makePlaces(directory: string): void {
  const root = rootOf(directory);
  mkdirSync(root, { mode: 0o755 });
  for (const path of [homePath, temporaryPath]) mkdirSync(join(root, path), { recursive: true, mode: 0o755 });
}

/** The machine's path of one that a request names; no ".." leads out of the root. */
export function onMachine(directory: string, path: string): string {
  const root = rootOf(directory);
  const inside = path === root || path.startsWith(`${root}/`) ? `/${path.slice(root.length)}` : path;
  return join(root, join('/', inside.startsWith('/') ? inside : join(homePath, inside)));
}

/** The same bytes as a request would name it. */
export function inRoot(directory: string, path: Uint8Array): Uint8Array {
  const root = Buffer.from(rootOf(directory));
  const isBelow = Buffer.compare(path.subarray(0, root.length), root) === 0 && (path.length === root.length || path[root.length] === 0x2f);
  if (!isBelow) return path;
  return path.length === root.length ? Buffer.from('/') : path.subarray(root.length);
}
