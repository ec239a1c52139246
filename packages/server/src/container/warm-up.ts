/**
 * The first job of a container takes some milliseconds longer than all others, until the kernel knows the shell's files by the container's own mounts. One
 * that is made in advance has its first job before it is offered: it begins and ends, and nothing of it is left.
 */
import { WardenError } from 'warden-protocol';
import { withDeadline } from '../lib/deadline.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { describeJob } from './job-description.js';

const script = 'exit\n';
/** The monitor kills the job then; some milliseconds are what it takes. */
const timeoutMs = 5000n;
/** For the monitor itself. */
const answerDeadlineMs = 10_000;

/** @throws WardenError when the container's jobs do not start, or do not end: nobody could use it */
export async function warmUp({ host, configuration, jobIds }: Containers, { identity, monitor }: Container): Promise<void> {
  const jobId = jobIds.next();
  // Jobs of clients will be told.
  if (jobId === undefined) return;
  const description = describeJob({ handle: '', script, timeoutMs, discardOutput: true }, {
    jobId,
    vcap: identity.uid,
    lang: host.lang,
    timeZone: () => '',
    // None that could not be had, which would be an event.
    rlimits: new Map(),
    refuseCoreDumps: () => false,
    outputLimitInBytes: configuration.jobOutputLimitInBytes,
  });
  const followed = await monitor.spawnFollowed(description, { output: () => true }, configuration.jobOutputLimitInBytes);
  try {
    const exit = await withDeadline(host.clock, answerDeadlineMs, followed.exit, () => new WardenError('timeout', `the first job did not end within ${answerDeadlineMs / 1000} s`));
    if (exit.timedOut === true) throw new WardenError('timeout', `the first job (/bin/bash) did not end within ${Number(timeoutMs) / 1000} s: is there something wrong with the root file system?`);
    if (exit.kind === 'lost') throw new WardenError('unavailable', 'the first job was lost');
    if (exit.forgotten !== true) await monitor.forget(jobId);
  } catch (error) {
    followed.close();
    throw error;
  }
}
