/**
 * spawn, link, run, stream: jobs of one container. The monitor keeps a job's output and how it ended, until the server
 * tells it to forget; the server does so when a client has been given the result, that is: when the reply was written.
 * Several requests may follow one job; each gets everything from the first byte.
 */
import { WardenError } from 'warden-protocol';
import { InitDead, type FollowedJob, type OutputSink } from '../host/monitor.js';
import type { UsageTexts } from '../host/statistics.js';
import type { Container, Job } from './container.js';
import type { Containers } from './containers.js';
import { endLife, endLifeIfGone, initDied } from './end-of-life.js';
import { noteEvent } from './events.js';
import { noteExit } from './exit-events.js';
import { forgetIfConsumed } from './forget.js';
import { checkJobRequest, describeJob } from './job-description.js';
import { exitStatusOf, unknownStatus } from './job-ending.js';
import type { JobRequest } from './job-options.js';
import { coreDumpsRefused } from './rlimits.js';

/** A job that one request follows. */
export interface Following {
  readonly job: Job;
  /** exit_status of the reply; settles after the last piece of output, never rejects. */
  readonly exitStatus: Promise<number>;
  /** What came with the job's end of what the container uses. */
  usage(): UsageTexts | undefined;
  resume(): void;
  /** The result was written to a client: the job goes when nobody else follows it. */
  delivered(): void;
  /** The request ended without a result; the job stays. */
  abandon(): void;
}

/** Starts a job that nobody follows yet. @returns its id */
export async function spawnJob(containers: Containers, container: Container, request: JobRequest): Promise<number> {
  checkJobRequest(request);
  return containers.changes.run(container.id, async () => {
    if (container.watching !== undefined) await received(container);
    const { job, description } = prepareJob(containers, container, request);
    try {
      await container.monitor.spawn(description);
    } catch (error) {
      throw await notStarted(containers, container, job, error);
    }
    container.onHappening({ kind: 'job_started', jobId: job.id });
    return job.id;
  });
}

/**
 * Starts a job and follows it from its first byte. Nobody else can link it: its id is known to this request alone. So it goes with its end, and
 * the monitor need not be told.
 * @param keptInBytes output beyond this is not wanted, but how much there is
 */
export async function runJob(containers: Containers, container: Container, request: JobRequest, sink: OutputSink, keptInBytes: number): Promise<Following> {
  checkJobRequest(request);
  return containers.changes.run(container.id, async () => {
    // Without a wait all is one piece from the reading of the request to the writing to the monitor.
    if (container.watching !== undefined) await received(container);
    const { job, description } = prepareJob(containers, container, request);
    try {
      const followed = await container.monitor.spawnFollowed(description, sink, keptInBytes);
      container.onHappening({ kind: 'job_started', jobId: job.id });
      return following(containers, container, job, followed);
    } catch (error) {
      throw await notStarted(containers, container, job, error);
    }
  });
}

/** A job that did not start is none; when the container's processes are gone, the container is stopped. */
async function notStarted(containers: Containers, container: Container, job: Job, error: unknown): Promise<unknown> {
  container.jobs.delete(job.id);
  if (error instanceof InitDead) endLife(containers, container, initDied);
  else if (error instanceof WardenError && error.code === 'unavailable') await endLifeIfGone(containers, container);
  return error;
}

/**
 * Follows a job from its first byte.
 * @param upToInBytes output beyond this is not wanted, but how much there is; undefined: all of it
 * @throws WardenError not_found: `no such job`
 */
export async function followJob(containers: Containers, container: Container, jobId: number, sink: OutputSink, upToInBytes?: number): Promise<Following> {
  container.requireState('active', 'stopped');
  const job = container.requireJob(jobId);
  // Counted before the request goes out, so that the job is not forgotten meanwhile.
  job.followers++;
  try {
    const followed = await container.monitor.follow(jobId, sink, { upToInBytes });
    return following(containers, container, job, followed);
  } catch (error) {
    const gone = error instanceof WardenError && error.code === 'unavailable' && (await endLifeIfGone(containers, container));
    if (gone || container.lastInfo !== undefined || job.exit?.kind === 'lost') return lostFollowing(container, job);
    throw error;
  } finally {
    job.followers--;
  }
}

/** The state is asked for before the wait, which for a stopped container may end as its monitor did, or not at all, and by prepareJob() behind it: it may have been stopped meanwhile. */
async function received(container: Container): Promise<void> {
  container.requireState('active');
  await container.watching;
}

function prepareJob(containers: Containers, container: Container, request: JobRequest) {
  container.requireState('active');
  const jobId = containers.jobIds.next();
  if (jobId === undefined) throw new WardenError('exhausted', 'no job id is left: 2^31 jobs have been started from this depot');
  const description = describeJob(request, {
    jobId,
    vcap: container.identity.uid,
    image: container.image,
    lang: containers.host.lang,
    timeZone: () => containers.host.syslog.timeZone(),
    rlimits: containers.configuration.rlimits,
    refuseCoreDumps: () => {
      const refuse = containers.host.coreDumps.leaveContainers();
      if (refuse) noteEvent(containers, container, coreDumpsRefused);
      return refuse;
    },
    outputLimitInBytes: containers.configuration.jobOutputLimitInBytes,
  });
  const job: Job = { id: jobId, exit: undefined, followers: 0, consumed: false };
  container.jobs.set(jobId, job);
  return { job, description };
}

function following(containers: Containers, container: Container, job: Job, followed: FollowedJob): Following {
  job.followers++;
  let open = true;
  const release = (): void => {
    if (!open) return;
    open = false;
    job.followers--;
    forgetIfConsumed(containers, container, job);
  };
  const exitStatus = followed.exit.then(
    (exit) => {
      container.endJob(job, exit);
      if (exit.forgotten === true) job.forgotten = true;
      // The event comes by another connection, perhaps after this; no reply that lacks output, or comes of a time-out, may go out without it.
      noteExit(containers, container, exit);
      // Only the end of PID 1 loses a job. Its own event comes by another connection; the reply tells of it already.
      if (exit.kind === 'lost') endLife(containers, container, initDied);
      return exitStatusOf(exit);
    },
    async () => {
      // The monitor is gone, or the container is being removed: the way the job ended is unknown.
      if (open) await endLifeIfGone(containers, container);
      return unknownStatus;
    },
  );
  return {
    job,
    exitStatus,
    usage: () => followed.usage?.(),
    resume: () => followed.resume(),
    delivered() {
      job.consumed = true;
      release();
      // Given up before, when the client sent its end: the reply was on its way.
      forgetIfConsumed(containers, container, job);
    },
    abandon() {
      followed.close();
      release();
    },
  };
}

/**
 * What follows a job whose output cannot be had any more. With the container on its way out the job's own status would be taken
 * for that of a job that wrote nothing; of one whose monitor died the exit is known only when there was no output.
 */
function lostFollowing(container: Container, job: Job): Following {
  return {
    job,
    exitStatus: Promise.resolve(container.lastInfo !== undefined || job.exit === undefined ? unknownStatus : exitStatusOf(job.exit)),
    usage: () => undefined,
    resume: () => undefined,
    delivered: () => container.jobs.delete(job.id),
    abandon: () => undefined,
  };
}
