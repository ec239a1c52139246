/** What the disk's backend needs to know of a container. Pure. */
import type { ContainerDisk } from '../host/disk.js';
import type { ContainerIdentity } from '../pool/uid-pool.js';

/**
 * @param directory the container's own
 * @param layers the directory of upper/ and work/; undefined: its own
 */
export function diskOf(backend: ContainerDisk['backend'], directory: string, layers: string | undefined, { uid, firstSubuid }: ContainerIdentity): ContainerDisk {
  return { backend, directory: layers, upper: `${layers ?? directory}/upper`, uid, rootUid: firstSubuid === 0 ? undefined : firstSubuid };
}
