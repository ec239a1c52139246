// `stop`, `kill` and `rm`: each of several containers, as far as that goes.
import { type Signal, signalNumber } from 'warden-client';
import { WardenError } from 'warden-protocol';
import { jsonText } from '../json-text.js';
import { sentence } from '../sentence.js';
import { printable } from '../print.js';
import { write } from '../streams.js';
import type { Call, Subcommand } from '../subcommand/subcommand.js';

const MOST_HANDLES = 1000;
const KILL = 9;

const handles = { usage: '[OPTION…] HANDLE…', fewest: 1, most: MOST_HANDLES, operandKind: 'handle', json: true } as const;

export const stopCommand: Subcommand = {
  ...handles,
  name: 'stop',
  summary: 'end every process in a container',
  options: { kill: { short: 'k', about: 'KILL at once, rather than TERM first and KILL ten seconds later' } },
  notes: 'The container and its files stay until it is removed.',
  run: (call) => forEach(call, async (handle, { client, signal }) => {
    await client.stop({ handle, kill: call.flag('kill') }, { signal });
  }),
};

export const killCommand: Subcommand = {
  ...handles,
  name: 'kill',
  summary: 'kill every process in a container, or send its jobs a signal',
  options: { signal: { short: 's', value: 'SIGNAL', about: 'name or number; KILL unless given, which ends the container\'s life as stop does' } },
  run: (call) => {
    const name = call.value('signal') ?? 'KILL';
    const signal = signalNumber((/^\d+$/.test(name) ? Number(name) : name.toUpperCase()) as Signal);
    return forEach(call, (handle, context) => kill(handle, signal, context));
  },
};

export const removeCommand: Subcommand = {
  ...handles,
  name: 'rm',
  summary: 'remove containers with everything they have, or a file of one',
  usage: '[-f] HANDLE…',
  options: { force: { short: 'f', about: 'also while jobs run, and when there is no such container' } },
  notes: '   or: rm [-r] [-f] [-u USER] HANDLE:PATH removes a file of a container; -r a directory with what is in it.',
  run: (call) => forEach(call, (handle, context) => remove(handle, call.flag('force'), context)),
};

type Work = (handle: string, context: Call['context']) => Promise<void>;

/** Names each that it was done to; one that fails does not keep the others from it. */
async function forEach({ context, operands, json }: Call, work: Work): Promise<number> {
  const done: string[] = [];
  for (const handle of operands) {
    try {
      await work(handle, context);
    } catch (reason) {
      const error = WardenError.from(reason);
      if (error.code === 'canceled' && context.signal?.aborted === true) throw error;
      await write(context.streams.stderr, `warden: ${printable(handle)}: ${sentence(error)}\n`);
      continue;
    }
    done.push(handle);
    if (!json) await write(context.streams.stdout, `${printable(handle)}\n`);
  }
  if (json) await write(context.streams.stdout, jsonText(done.map((handle) => ({ handle }))));
  return done.length === operands.length ? 0 : 1;
}

async function kill(handle: string, signal: number, { client, signal: interrupt }: Call['context']): Promise<void> {
  if (signal === KILL) {
    await client.stop({ handle, kill: true }, { signal: interrupt });
    return;
  }
  const { jobs } = await client.jobs({ handle }, { signal: interrupt });
  for (const { id, state } of jobs) {
    if (state === 'running') await unlessOver(client.signal({ handle, jobId: id, signal }, { signal: interrupt }));
  }
}

/** A job that has ended meanwhile needs no signal. */
async function unlessOver(sent: Promise<unknown>): Promise<void> {
  try {
    await sent;
  } catch (reason) {
    if (WardenError.from(reason).message !== 'no such job') throw reason;
  }
}

async function remove(handle: string, force: boolean, { client, signal }: Call['context']): Promise<void> {
  try {
    if (!force) {
      const { jobIds } = await client.info({ handle }, { signal });
      if (jobIds.length > 0) throw new WardenError('wrong_state', `${jobIds.length === 1 ? 'a job runs' : `${jobIds.length} jobs run`} in it; stop it first, or rm -f`);
    }
    await client.destroy({ handle }, { signal });
  } catch (reason) {
    if (!force || WardenError.from(reason).code !== 'not_found') throw reason;
  }
}
