// `attach HANDLE`: a job that runs already, in the foreground.
import { WardenError } from 'warden-protocol';
import type { Call, Subcommand } from '../subcommand/subcommand.js';
import { OWN_FAILURE } from './exit-status.js';
import { followJob } from './follow.js';
import { jobById, lastRunning } from './one-job.js';
import { sizeOf } from './terminal.js';

export const attachCommand: Subcommand = {
  name: 'attach',
  summary: 'bring a job to the foreground',
  usage: '[OPTION…] HANDLE [JOB]',
  options: {
    all: { short: 'a', about: 'all its output so far first' },
    'no-stdin': { about: 'pass no input on' },
  },
  fewest: 1,
  most: 2,
  failedStatus: OWN_FAILURE,
  takesSignals: true,
  operandKind: 'handle',
  notes: `JOB is the one that was started last of those that run, unless given. Input is passed on when the job takes any. The job, its output and status stay, to be read again.
Signals, keys and exit status are those of run: run --help tells them.`,
  run: attach,
};

async function attach(call: Call): Promise<number> {
  const { context, operands: [handle = '', id] } = call;
  const { id: jobId, outputBytes } = id === undefined ? await lastRunning(handle, context) : await jobById(handle, id, context);
  const job = { handle, jobId };
  const size = sizeOf(context.streams);
  const { client, input, streams } = context;
  const takesInput = !call.flag('no-stdin') && input !== undefined && await isPossible(client.writeInput({ ...job, data: '' }));
  const terminal = takesInput && streams.stdin.isTTY === true && await isPossible(client.resize({ ...job, ...size })) ? size : undefined;
  return followJob({ ...job, input: takesInput, terminal, detachable: true, sinceByte: call.flag('all') ? 0 : Number(outputBytes ?? 0n) }, context);
}

/** A job tells whether it takes input and has a terminal by what it answers. */
async function isPossible(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (reason) {
    const { code } = WardenError.from(reason);
    if (code !== 'wrong_state' && code !== 'not_found') throw reason;
    return false;
  }
}
