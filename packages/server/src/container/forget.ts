/** When the record and output of an ended job go: when its result was given to a client, and nobody follows it any more. */
import type { Container, Job } from './container.js';
import type { Containers } from './containers.js';

/** The client of a run has gone: nobody can ask for the job, so it goes when it has ended. */
export function consumeJob(containers: Containers, container: Container, job: Job): void {
  job.consumed = true;
  forgetIfConsumed(containers, container, job);
}

/** To be called when a job has ended, and when a request no longer follows it. */
export function forgetIfConsumed(containers: Containers, container: Container, job: Job): void {
  if (!job.consumed || job.followers > 0 || job.exit === undefined) return;
  if (!container.jobs.delete(job.id) || job.forgotten === true) return;
  const forgotten = container.monitor.forget(job.id).catch((error: unknown) => {
    // Its record stays until the container is destroyed: bounded by job_output_limit, and no client can see it.
    containers.log.debug({ container: container.id, job: job.id, err: error }, 'the monitor keeps a job that is of no use any more');
  });
  // The end of the server waits for it: else the next one would find a job whose result was already given.
  containers.inBackground(forgotten, 'a job could not be forgotten', container);
}
