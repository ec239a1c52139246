/** What the end of a job tells of its container. */
import type { JobExit } from '../host/monitor.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { jobTimedOut, noteEvent, outputExceeded } from './events.js';
import { noteOutOfMemory } from './out-of-memory.js';

/** Where the event itself was missed, or comes later by another connection. */
export function noteExit(containers: Containers, container: Container, exit: JobExit | undefined): void {
  if (exit?.outputCut === true) noteEvent(containers, container, outputExceeded);
  if (exit?.timedOut === true) noteEvent(containers, container, jobTimedOut);
  if (exit?.outOfMemory === true) noteOutOfMemory(containers, container);
}
