/** What follows when a container's processes are gone without anybody having asked for it. */
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { recordOrLog } from './events.js';
import { forgetIfConsumed } from './forget.js';
import { jobsWithoutMonitor } from './lost-jobs.js';

export const initDied = 'the container\'s init process died';
export const monitorDied = 'the container\'s monitor died';

/**
 * Nothing runs in the container any more, and nothing can: it is stopped, and what is not known to have ended is lost. With its
 * monitor, output is lost, too.
 */
export function endLife(containers: Containers, container: Container, event: string): void {
  if (container.lastInfo !== undefined || container.state === 'destroyed') return;
  const remains = event === monitorDied && !container.events.includes(event) ? jobsWithoutMonitor(containers, container) : undefined;
  for (const job of [...container.jobs.values()]) {
    if (remains !== undefined) container.endJob(job, remains.get(job.id) ?? { kind: 'lost' });
    else if (job.exit === undefined) container.endJob(job, { kind: 'lost' });
    forgetIfConsumed(containers, container, job);
  }
  const wasActive = container.state === 'active';
  if (wasActive) container.moveTo('stopped');
  // The same end is learnt from several connections.
  const isNew = container.addEvent(event);
  if (isNew) containers.log.warn({ container: container.id, handle: container.handle }, event);
  if (wasActive || isNew) recordOrLog(containers, container);
}

/**
 * When the monitor is gone, settles that before anybody is told anything else: the event of its end may come later.
 * @returns whether it is
 */
export async function endLifeIfGone(containers: Containers, container: Container): Promise<boolean> {
  if (!(await container.monitor.isGone())) return false;
  endLife(containers, container, monitorDied);
  return true;
}
