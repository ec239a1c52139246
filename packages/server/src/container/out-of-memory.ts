/** A container in which the OOM killer had to choose is no longer what its jobs take it for: it gets an event, and is stopped. */
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { noteEvent } from './events.js';
import { stopContainer } from './stop.js';

export const outOfMemory = 'out of memory';

/** Told by the monitor, and by the ends of jobs. */
export function noteOutOfMemory(containers: Containers, container: Container): void {
  if (!container.events.includes(outOfMemory)) containers.outOfMemoryCount++;
  noteEvent(containers, container, outOfMemory);
  stopIfOutOfMemory(containers, container);
}

/**
 * The snapshot may have the event and no stop, of a server that was killed between the two. A container that is being taken
 * over is stopped when that is done.
 */
export function stopIfOutOfMemory(containers: Containers, container: Container): void {
  if (container.state !== 'active' || container.stopRequested || !container.events.includes(outOfMemory) || !containers.has(container)) return;
  container.stopRequested = true;
  containers.inBackground(stopContainer(containers, container, { kill: false }), 'a container that is out of memory could not be stopped', container);
}
