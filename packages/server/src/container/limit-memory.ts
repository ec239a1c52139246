/** limit_memory: how much memory, /dev/shm and page cache included, a container may use, with swap and without. */
import { WardenError } from 'warden-protocol';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { readInForce } from './in-force.js';

/** The smallest page of any machine: below it a limit would be none at all, or nothing at all. */
const leastLimitInBytes = 4096n;

/**
 * @param limitInBytes undefined: only read
 * @returns what is in force, in bytes
 * @throws WardenError invalid_argument, unsupported, or wrong_state: of the container, or when more is in use than can be reclaimed
 */
export async function limitMemory(containers: Containers, container: Container, limitInBytes: bigint | undefined): Promise<bigint> {
  const { memory } = containers.host;
  if (limitInBytes === undefined) return readInForce(containers, container, () => memory.read(container.id));
  container.requireState('active', 'stopped');
  if (limitInBytes < leastLimitInBytes) throw new WardenError('invalid_argument', `limit_in_bytes: ${limitInBytes} is less than a page of ${leastLimitInBytes} bytes`);
  return containers.changes.run(container.id, async () => {
    container.requireState('active', 'stopped');
    await memory.write(container.id, limitInBytes);
    return memory.read(container.id);
  });
}
