/** What follows when a container's processes are gone without anybody having asked for it. */
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { forgetIfConsumed } from './forget.js';
import { recordState } from './snapshot.js';

export const initDied = 'the container\'s init process died';
export const monitorDied = 'the container\'s monitor died';

/** Nothing runs in the container any more, and nothing can: it is stopped, and what is not known to have ended is lost. */
export function endLife(containers: Containers, container: Container, event: string): void {
  if (container.lastInfo !== undefined || container.state === 'destroyed') return;
  for (const job of [...container.jobs.values()]) {
    job.exit ??= { kind: 'lost' };
    forgetIfConsumed(containers, container, job);
  }
  if (container.state === 'active') container.moveTo('stopped');
  containers.log.warn({ container: container.id, handle: container.handle }, event);
  container.addEvent(event);
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
