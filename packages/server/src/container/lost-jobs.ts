/**
 * The jobs of a container whose monitor is dead. It held their output; how they ended it may have written down. What a client
 * has not been given is lost, but for the status of a job that had no output: a status with less than all of the output would
 * pass for a success.
 */
import type { JobExit } from '../host/monitor.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';

/** Every job that left a trace, with how it is to be reported. */
export function jobsWithoutMonitor({ host }: Containers, { id }: Container): Map<number, JobExit> {
  const jobs = new Map<number, JobExit>(host.cgroups.jobIds(id).map((jobId) => [jobId, { kind: 'lost' }]));
  for (const { jobId, exit, outputInBytes } of host.depot.readJobRemains(id)) {
    const lost: JobExit = exit?.timedOut === true ? { kind: 'lost', timedOut: true } : { kind: 'lost' };
    jobs.set(jobId, exit !== undefined && outputInBytes === 0 ? exit : lost);
  }
  return jobs;
}
