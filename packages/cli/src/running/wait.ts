// `wait HANDLE`: until jobs have ended, with how they did. They stay as they are.
import { type Job, WardenError } from 'warden-protocol';
import { WardenClient } from 'warden-client';
import type { CommandContext } from '../commands.js';
import { jsonText } from '../json-text.js';
import { write } from '../streams.js';
import type { Call, Subcommand } from '../subcommand/subcommand.js';
import { type Ending, statusOf } from './exit-status.js';
import { jobById } from './one-job.js';

export const waitCommand: Subcommand = {
  name: 'wait',
  summary: 'wait for jobs to end, and print their exit status',
  usage: '[OPTION…] HANDLE [JOB…]',
  options: {},
  fewest: 1,
  most: 1000,
  json: true,
  operandKind: 'handle',
  notes: 'Without JOB all that the container has. One line for each, in the order of their ids; its own exit status is 0. Jobs, output and status stay, to be read again.',
  run: waitForJobs,
};

async function waitForJobs(call: Call): Promise<number> {
  const { context, operands: [handle = '', ...ids] } = call;
  const jobs = ids.length > 0 ? await Promise.all(ids.map((id) => jobById(handle, id, context))) : (await context.client.jobs({ handle }, { signal: context.signal })).jobs;
  if (jobs.length === 0) throw new WardenError('not_found', `${handle} has no job to wait for`);
  const ended = [];
  for (const job of jobs) {
    const ending = job.state === 'running' ? await endOf(handle, job, context) : job;
    ended.push({ jobId: job.id, exitStatus: statusOf(ending), signal: ending.signal, timedOut: ending.timedOut, lost: ending.lost });
    if (!call.json) await write(context.streams.stdout, `${statusOf(ending)}\n`);
  }
  if (call.json) await write(context.streams.stdout, jsonText(ended));
  return 0;
}

/** By reading its output from its end on, which waits and takes nothing. */
async function endOf(handle: string, { id, outputBytes }: Job, { client, signal }: CommandContext): Promise<Ending> {
  await using own = new WardenClient(client.address, { traceparent: client.traceparent });
  return await own.logs({ handle, jobId: id, sinceByte: outputBytes ?? 0n, follow: true }, { signal }).result();
}
