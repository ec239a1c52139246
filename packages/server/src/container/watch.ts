/** What the monitor reports by itself: jobs that end, limits that are hit, the end of PID 1. */
import { WardenError } from 'warden-protocol';
import type { JobExit, MonitorEvent } from '../host/monitor.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { endLife, initDied, monitorDied } from './end-of-life.js';
import { jobTimedOut, noteEvent, outputExceeded } from './events.js';
import { noteExit } from './exit-events.js';
import { forgetIfConsumed } from './forget.js';
import { noteOutOfMemory } from './out-of-memory.js';
import { rlimitClamped } from './rlimits.js';

/**
 * Begins to receive the container's events, after the reply to its create is on its way; its first job waits for that.
 * Failures end up in the log and in the container's own events.
 */
export function watchContainer(containers: Containers, container: Container): void {
  const watching = new Promise<void>((resolve, reject) => {
    setImmediate(() => {
      if (container.lastInfo !== undefined) resolve();
      else receiveEvents(containers, container).then(resolve, reject);
    });
  });
  container.watching = watching;
  watching.catch((error: unknown) => {
    if (container.lastInfo !== undefined) return;
    // The server ends; the container lives on.
    if (error instanceof WardenError && error.code === 'canceled') return;
    containers.log.error({ container: container.id, err: error }, 'the events of a container cannot be received');
    endLife(containers, container, monitorDied);
  });
}

/**
 * Settles when events are being received.
 * @param strangers takes the exits of jobs that the container does not know (yet)
 */
export function receiveEvents(containers: Containers, container: Container, strangers?: Map<number, JobExit>): Promise<void> {
  return container.monitor.watch(
    (event) => receiveEvent(containers, container, event, strangers),
    () => endLife(containers, container, monitorDied),
  );
}

/** One of a container's that a client has. */
export function receiveEvent(containers: Containers, container: Container, event: MonitorEvent, strangers?: Map<number, JobExit>): void {
  switch (event.kind) {
    case 'output_limit':
      noteEvent(containers, container, outputExceeded);
      return;
    case 'job_timed_out':
      noteEvent(containers, container, jobTimedOut);
      return;
    case 'out_of_memory':
      noteOutOfMemory(containers, container);
      return;
    case 'rlimit_clamped':
      noteEvent(containers, container, rlimitClamped(event.resource, event.hard));
      return;
    case 'record_failed':
      containers.log.warn({ container: container.id, job: event.jobId, errno: event.errno }, 'the exit record of a job could not be written: a restart of the daemon would not know how it ended');
      return;
    case 'job_ended': {
      const job = container.jobs.get(event.jobId);
      if (job === undefined) {
        strangers?.set(event.jobId, event.exit);
        return;
      }
      container.endJob(job, event.exit);
      noteExit(containers, container, event.exit);
      forgetIfConsumed(containers, container, job);
      return;
    }
    case 'init_died':
      endLife(containers, container, initDied);
  }
}
