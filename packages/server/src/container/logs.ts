/** logs: a job's output, read without taking it. */
import { WardenError } from 'warden-protocol';
import type { JobExit, OutputRange, OutputSink } from '../host/monitor.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { endLife, endLifeIfGone, initDied } from './end-of-life.js';
import { noteExit } from './exit-events.js';
import { forgetIfConsumed } from './forget.js';

/** Output that one request reads. */
export interface Reading {
  /** How the job ended, undefined when it still runs; settles after the last piece of output, never rejects. */
  readonly exit: Promise<JobExit | undefined>;
  resume(): void;
  abandon(): void;
}

/**
 * The job stays as it is; while it is read it is not forgotten.
 * @throws WardenError not_found: `no such job`; invalid_argument for a position beyond the end
 */
export async function readLogs(containers: Containers, container: Container, jobId: number, range: OutputRange, sink: OutputSink): Promise<Reading> {
  container.requireState('active', 'stopped');
  const job = container.requireKnownJob(jobId);
  job.followers++;
  let open = true;
  const release = (): void => {
    if (!open) return;
    open = false;
    job.followers--;
    forgetIfConsumed(containers, container, job);
  };
  const lost = (): JobExit => job.exit ?? { kind: 'lost' };
  try {
    const followed = await container.monitor.readOutput(jobId, range, sink);
    const exit = followed.exit.then(
      (known) => {
        noteExit(containers, container, known);
        if (known?.kind === 'lost') endLife(containers, container, initDied);
        return known;
      },
      async () => {
        // The monitor is gone, or the container is being removed.
        if (open) await endLifeIfGone(containers, container);
        return lost();
      },
    );
    void exit.finally(release);
    return {
      exit,
      resume: () => followed.resume(),
      abandon() {
        followed.close();
        release();
      },
    };
  } catch (error) {
    if (error instanceof WardenError && error.code === 'unavailable') await endLifeIfGone(containers, container);
    release();
    if (container.lastInfo !== undefined || job.exit?.kind === 'lost') return { exit: Promise.resolve(lost()), resume: () => undefined, abandon: () => undefined };
    throw error;
  }
}
