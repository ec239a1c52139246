/** limit_pids: how many processes and threads a container may have. */
import { WardenError } from 'warden-protocol';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { readInForce } from './in-force.js';

/** PID_MAX_LIMIT of the kernel: a machine has no more than that. */
const mostPids = 4_194_304n;

/**
 * @param limit undefined: only read; beyond what a machine can have: none
 * @returns what is in force; undefined: none but what all containers may have together
 * @throws WardenError invalid_argument, unsupported, or wrong_state
 */
export async function limitPids(containers: Containers, container: Container, limit: bigint | undefined): Promise<bigint | undefined> {
  const { pids } = containers.host;
  if (limit === undefined) return readInForce(containers, container, () => pids.read(container.id));
  container.requireState('active', 'stopped');
  if (limit === 0n) throw new WardenError('invalid_argument', 'limit: a container has at least one process');
  return containers.changes.run(container.id, async () => {
    container.requireState('active', 'stopped');
    pids.write(container.id, limit > mostPids ? undefined : limit);
    return pids.read(container.id);
  });
}
