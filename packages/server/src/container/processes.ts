/** The processes of a container: looked for in it, with the rights of its least user, by the program that works on its files. */
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { beginTransfer, type ProcessEntry, type Transfer } from './files.js';

/** Where a container has its proc file system; the program looks whether it is one. */
const procPath = Buffer.from('/proc');
/** Of some kilobytes each at most: one reply has room for them. */
const processLimit = 4096;

export interface ProcessListing {
  readonly transfer: Transfer;
  /** In the order of their numbers, once the transfer has ended. */
  readonly processes: readonly ProcessEntry[];
}

/** @throws WardenError wrong_state; exhausted when too much is under way in the container */
export function beginListing(containers: Containers, container: Container): ProcessListing {
  const processes: ProcessEntry[] = [];
  const sink = {
    entries: () => true,
    content: () => true,
    processes: (some: readonly ProcessEntry[]) => {
      processes.push(...some);
      return true;
    },
  };
  return { transfer: beginTransfer(containers, container, { operation: 'processes', user: undefined, path: procPath, entryLimit: BigInt(processLimit) }, sink), processes };
}
