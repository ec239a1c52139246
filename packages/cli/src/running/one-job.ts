// Which job of a container is meant.
import { type Job, WardenError } from 'warden-protocol';
import type { CommandContext } from '../commands.js';
import { parseWhole } from '../size.js';

const MOST_ID = 2 ** 32 - 1;

/** A job by its id as text. @throws WardenError not_found */
export async function jobById(handle: string, text: string, { client, signal }: CommandContext): Promise<Job> {
  const wanted = parseWhole('JOB', text, 0, MOST_ID);
  const { jobs } = await client.jobs({ handle }, { signal });
  const found = jobs.find(({ id }) => id === wanted);
  if (found === undefined) throw new WardenError('not_found', `${handle} has no job ${wanted}, or its result was taken; warden jobs ${handle} lists them`);
  return found;
}

/** The job that was started last of those that run. @throws WardenError not_found */
export async function lastRunning(handle: string, { client, signal }: CommandContext): Promise<Job> {
  const { jobs } = await client.jobs({ handle }, { signal });
  const found = jobs.filter(({ state }) => state === 'running').sort((a, b) => b.id - a.id)[0];
  if (found === undefined) throw new WardenError('not_found', `no job runs in ${handle}; warden jobs ${handle} lists those that have ended, warden exec starts one`);
  return found;
}
