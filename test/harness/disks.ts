/* The disks of a depot: directories for containers' files, and the file systems they are on. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Paths } from './configuration.js';

export interface Mount { readonly path: string; readonly type: string; readonly source: string; readonly options: string }

/** What is mounted below a directory, in our view or in that of another process. */
export function mountsBelow(directory: string, pid: number | 'self' = 'self'): Mount[] {
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n').flatMap((line) => {
    const [fields = '', rest = ''] = line.split(' - ');
    const path = fields.split(' ')[4] ?? '';
    const [type = '', source = '', options = ''] = rest.split(' ');
    return path.startsWith(`${directory}/`) ? [{ path, type, source, options: `${fields.split(' ')[5] ?? ''},${options}` }] : [];
  });
}

/** Loop devices whose file lies, or lay, below a directory. */
export function loopsBelow(directory: string): string[] {
  return readdirSync('/sys/block').flatMap((name) => {
    const file = join('/sys/block', name, 'loop/backing_file');
    try {
      const path = readFileSync(file, 'utf8').trimEnd();
      return path.startsWith(`${directory}/`) ? [`${name} of ${path}`] : [];
    } catch {
      return []; // it is none, or has none
    }
  });
}

const names = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory) : []);

/** The disk that a container's directory, or the spare one, leads to. */
export function diskOf(directory: string): string | undefined {
  try {
    return basename(readlinkSync(join(directory, 'disk')));
  } catch {
    return undefined;
  }
}

/** Loop devices whose file lies below a directory, and that nothing is mounted from, in the view of `pid`. */
export function loopLeaks(directory: string, pid: number | 'self' = 'self'): string[] {
  const mounted = new Set(mountsBelow(directory, pid).map(({ source }) => basename(source)));
  return loopsBelow(directory).filter((loop) => !mounted.has(loop.split(' ')[0] ?? '')).map((loop) => `loop device ${loop}`);
}

function ownedDisks({ depot }: Paths): Set<string | undefined> {
  return new Set(['containers', 'spare'].flatMap((parent) => names(join(depot, parent)).map((name) => diskOf(join(depot, parent, name)))));
}

/** Whether a line of mountinfo is that of a disk that a container or the spare directory has. */
export function isOwnedMount(line: string, paths: Paths): boolean {
  const path = line.split(' ')[4] ?? '';
  return dirname(path) === join(paths.depot, 'disks') && ownedDisks(paths).has(basename(path));
}

/** Disks that neither a container nor the spare directory has. */
export function diskLeaks(paths: Paths): string[] {
  const owned = ownedDisks(paths);
  return names(join(paths.depot, 'disks')).filter((name) => !owned.has(name)).map((name) => `disk ${name}`);
}
