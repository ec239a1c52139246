/** Files and directories of the host in a container: checked, and described for the native programs. */
import { BindMountMode, WardenError, type RequestOf, type Type } from 'warden-protocol';
import type { MountDescription } from '../host/container-description.js';
import type { Containers } from './containers.js';

/** With those of the root file system they stay below what a monitor takes (128). */
const mountLimit = 100;
/** With layers of the root file system: a monitor gets a descriptor for each of them, in one message, which can have 250 (native/lib/stream.c). */
const sourceLimit = 190;
const pathLimitInBytes = 4095;
const nameLimitInBytes = 255;

/** A bind mount as the request gave it. */
export interface BindMount {
  /** On the host. */
  readonly source: string;
  /** In the container. */
  readonly destination: string;
  readonly mode: 'ro' | 'rw';
}

/** One of a container: `path` is its source without symbolic links. */
export interface ContainerBindMount extends BindMount {
  readonly path: string;
}

/** Pure. @throws WardenError invalid_argument; not_found for a source that can be no path */
export function checkBindMounts(mounts: RequestOf<Type.Create>['bindMounts']): BindMount[] {
  if (mounts.length > mountLimit) throw new WardenError('invalid_argument', `bind_mounts: ${mounts.length} are too many, the limit is ${mountLimit}`);
  return mounts.map(({ srcPath, dstPath, mode }) => {
    if (!srcPath.startsWith('/') || srcPath.includes('\0') || Buffer.byteLength(srcPath) > pathLimitInBytes) {
      throw new WardenError('not_found', `Source path for bind mount does not exist: ${srcPath}`);
    }
    const problem = destinationProblem(dstPath);
    if (problem !== undefined) throw new WardenError('invalid_argument', `Destination path for bind mount ${problem}: ${dstPath}`);
    if (mode !== BindMountMode.RO && mode !== BindMountMode.RW) throw new WardenError('invalid_argument', `bind_mounts: mode must be RO or RW, not ${String(mode)}`);
    return { source: srcPath, destination: dstPath, mode: mode === BindMountMode.RW ? 'rw' : 'ro' };
  });
}

/** Pure. @throws WardenError invalid_argument */
export function checkSourceCount(layers: number, mounts: number): void {
  if (layers + mounts > sourceLimit) throw new WardenError('invalid_argument', `a root file system of ${layers} layers and ${mounts} mounts are too many together, the limit is ${sourceLimit}`);
}

/** A relative destination begins at the container's root, as ever. */
function destinationProblem(path: string): string | undefined {
  if (path.includes('\0')) return 'must not contain a NUL byte';
  if (Buffer.byteLength(path) > pathLimitInBytes - 1) return `is longer than ${pathLimitInBytes - 1} bytes`;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.every((part) => part === '..')) return 'must name a place below the root';
  if (parts.some((part) => Buffer.byteLength(part) > nameLimitInBytes)) return `has a name of more than ${nameLimitInBytes} bytes`;
  return undefined;
}

/** What of the host containers can write to, each once, without symbolic links. */
export function writableSources(containers: Pick<Containers, 'all'>): string[] {
  return [...new Set(containers.all().flatMap(({ bindMounts }) => bindMounts.filter(({ mode }) => mode === 'rw').map(({ path }) => path)))];
}

/**
 * @param mapsRoot whether root of the container is the host's root in writable mounts of directories that are the host's root's
 * @throws WardenError not_found, invalid_argument
 */
export function openBindMounts(containers: Pick<Containers, 'all' | 'host'>, mounts: readonly BindMount[], mapsRoot: boolean): { kept: ContainerBindMount[]; described: MountDescription[] } {
  if (mounts.length === 0) return { kept: [], described: [] };
  const writable = writableSources(containers);
  const kept: ContainerBindMount[] = [];
  const described = mounts.map((mount): MountDescription => {
    const { path, isFile } = containers.host.bindSources.open(mount.source, writable);
    kept.push({ ...mount, path });
    return {
      source: path,
      destination: mount.destination.startsWith('/') ? mount.destination : `/${mount.destination}`,
      readOnly: mount.mode === 'ro',
      recursive: false,
      resolved: true,
      isFile,
      ids: mount.mode === 'ro' ? 'mapped' : mapsRoot ? 'mapped-for-root' : 'host',
    };
  });
  return { kept, described };
}
