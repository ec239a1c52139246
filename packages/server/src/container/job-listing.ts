/** jobs: what runs in a container, and what has ended and was not taken yet. */
import { WardenError, type ResponseInit, type Type } from 'warden-protocol';
import type { JobRecord } from '../host/monitor.js';
import type { Container, Job } from './container.js';
import type { Containers } from './containers.js';
import { endLifeIfGone } from './end-of-life.js';
import { endingDetailsOf, exitStatusOf } from './job-ending.js';

type ListedJob = NonNullable<ResponseInit<Type.Jobs>['jobs']>[number];

/** In the order in which they were started. */
export async function listJobs(containers: Containers, container: Container): Promise<ListedJob[]> {
  container.requireState('active', 'stopped');
  const records = new Map((await recordsOf(containers, container)).map((record) => [record.jobId, record]));
  const listed: ListedJob[] = [];
  for (const job of container.jobs.values()) {
    const record = records.get(job.id);
    const exit = record?.exit ?? job.exit;
    // Without a record a job is just being started, or was lost with its monitor.
    if (exit === undefined ? record === undefined : job.consumed) continue;
    listed.push(describe(job, record));
  }
  return listed.sort((one, other) => one.id - other.id);
}

async function recordsOf(containers: Containers, container: Container): Promise<JobRecord[]> {
  try {
    return await container.monitor.list();
  } catch (error) {
    // What is known of a container whose monitor is dead can still be told.
    if (error instanceof WardenError && error.code === 'unavailable' && (await endLifeIfGone(containers, container))) return [];
    throw error;
  }
}

function describe(job: Job, record: JobRecord | undefined): ListedJob {
  const exit = record?.exit ?? job.exit;
  return {
    id: job.id,
    state: exit === undefined ? 'running' : 'ended',
    command: record?.command,
    startedMs: record?.startedMs,
    endedMs: record?.endedMs,
    outputBytes: record?.outputBytes,
    pid: record?.pid,
    ...(exit === undefined ? {} : { exitStatus: exitStatusOf(exit), ...endingDetailsOf(exit) }),
  };
}
