// `exec HANDLE CMD`: one more command in a container that is there.
import { WardenError } from 'warden-protocol';
import { jsonText } from '../json-text.js';
import { write } from '../streams.js';
import type { Call, Subcommand } from '../subcommand/subcommand.js';
import { OWN_FAILURE, startFailure } from './exit-status.js';
import { followJob } from './follow.js';
import { checkJobOptions, JOB_OPTIONS, jobRequestOf } from './job-options.js';
import { sentence } from '../sentence.js';
import { sizeOf } from './terminal.js';

const MOST_WORDS = 10_000;

export const execCommand: Subcommand = {
  name: 'exec',
  summary: 'run a command in a container',
  usage: '[OPTION…] HANDLE [--] COMMAND…',
  options: JOB_OPTIONS,
  fewest: 1,
  most: MOST_WORDS,
  ownWords: true,
  json: true,
  failedStatus: OWN_FAILURE,
  takesSignals: true,
  operandKind: 'handle',
  notes: `With -it and without a command it is a shell. Signals, keys and exit status are those of run: run --help tells them.
With -d the job's id is printed.`,
  run: execute,
};

async function execute(call: Call): Promise<number> {
  const { context } = call;
  const [handle = '', ...rest] = call.operands[0] === '--' ? call.operands.slice(1) : call.operands;
  const command = rest[0] === '--' ? rest.slice(1) : rest;
  if (call.json && !call.flag('detach')) throw new WardenError('invalid_argument', '-o json is for -d: otherwise the output is the command\'s own');
  checkJobOptions(call, command);
  const terminal = call.flag('tty') ? sizeOf(context.streams) : undefined;
  let jobId: number;
  try {
    ({ jobId } = await context.client.spawn(jobRequestOf(call, handle, command)));
  } catch (reason) {
    await write(context.streams.stderr, `warden: ${sentence(reason)}\n`);
    return startFailure(WardenError.from(reason));
  }
  if (call.flag('detach')) {
    await write(context.streams.stdout, call.json ? jsonText({ handle, jobId }) : `${jobId}\n`);
    return 0;
  }
  return followJob({ handle, jobId, input: call.flag('interactive'), terminal, detachable: true }, context);
}
