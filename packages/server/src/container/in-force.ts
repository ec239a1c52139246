/** Reading what is in force, beside changes. */
import type { Container } from './container.js';
import type { Containers } from './containers.js';

/**
 * Reads without waiting for changes of the container. While one is being removed its groups may be gone already: then the
 * outcome of the removal decides what is answered.
 * @throws WardenError not_found when it has been removed; what `read` throws otherwise
 */
export async function readInForce<T>(containers: Containers, container: Container, read: () => T): Promise<T> {
  container.requireState('active', 'stopped');
  try {
    return read();
  } catch {
    return containers.changes.run(container.id, async () => {
      container.requireState('active', 'stopped');
      return read();
    });
  }
}
