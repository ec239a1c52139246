/** A container's events: what happened to it, in words, each once. */
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { recordState } from './snapshot.js';

export const outputExceeded = 'command exceeded maximum output';
export const jobTimedOut = 'job timed out';

/** An event that the container has already is no news: a monitor tells every new watcher what there was. */
export function noteEvent(containers: Containers, container: Container, event: string): void {
  if (!container.addEvent(event)) return;
  containers.log.info({ container: container.id, handle: container.handle, event }, 'event');
  recordOrLog(containers, container);
}

/** Records a change that nobody waits for. */
export function recordOrLog(containers: Containers, container: Container): void {
  try {
    recordState(containers, container);
  } catch (error) {
    containers.log.error({ container: container.id, err: error }, 'the snapshot could not be written');
  }
}
