// `run IMAGE CMD`: a container, one command in it, and with --rm nothing afterwards.
import type { Box } from 'warden-client';
import { WardenError } from 'warden-protocol';
import { jsonText } from '../json-text.js';
import { printable } from '../print.js';
import { sentence } from '../sentence.js';
import { write } from '../streams.js';
import type { Call, Subcommand } from '../subcommand/subcommand.js';
import { BOX_OPTIONS, makeBox, type WantedBox, wantedBox } from './box-options.js';
import { OWN_FAILURE, signalledStatus, startFailure } from './exit-status.js';
import { followJob } from './follow.js';
import { type Base, findBase } from './image.js';
import { checkJobOptions, JOB_OPTIONS, jobRequestOf } from './job-options.js';
import { numberOf, sizeOf } from './terminal.js';

const MOST_WORDS = 10_000;

/** Of so many signals the last ends the program, as it leaves a job (follow.ts). */
const PATIENCE = 3;

/** A container of --rm whose command was killed goes after this: time to come back to it when the server is restarted. */
const ABANDONED_SECONDS = 60;

export const runCommand: Subcommand = {
  name: 'run',
  summary: 'make a container and run a command in it',
  usage: '[OPTION…] IMAGE|ROOTFS [--] [COMMAND…]',
  options: {
    rm: { about: 'remove the container when the command has ended' },
    ...JOB_OPTIONS,
    ...BOX_OPTIONS,
    entrypoint: { value: 'PROGRAM', about: 'in place of the image\'s own; empty for none' },
  },
  fewest: 1,
  most: MOST_WORDS,
  ownWords: true,
  json: true,
  failedStatus: OWN_FAILURE,
  takesSignals: true,
  operandKind: 'image',
  notes: `IMAGE|ROOTFS is the name of an image or of a root file system, a reference of a registry, or a path that begins with / or a dot;
with -- in its place it is the server's own: run [OPTION…] -- COMMAND…
Without --rm the container stays; without -d its handle is what --name says, or what warden ps shows.
INT, TERM, HUP, QUIT, USR1 and USR2 are passed on to the command; the third INT or TERM leaves it. On a terminal (-it) all keys are its own, but Ctrl-P Ctrl-Q, which leaves it.

exit status: the command's own; 128+n when signal n ended it, 124 when its time was over, 126 when it cannot be executed, 127 when there is no such program, 125 when warden failed.`,
  run: runContainer,
};

async function runContainer(call: Call): Promise<number> {
  const [first = '', ...rest] = call.operands;
  const words = first === '--' ? rest : rest[0] === '--' ? rest.slice(1) : rest;
  const name = first === '--' ? undefined : first;
  const [detach, remove] = [call.flag('detach'), call.flag('rm')];
  if (detach && remove) throw new WardenError('invalid_argument', '--rm and -d do not go together: nobody would be there to remove it; --ttl SECONDS removes it then, warden rm -f at any time');
  if (call.json && !detach) throw new WardenError('invalid_argument', '-o json is for -d: otherwise the output is the command\'s own');
  const wanted = withGrace(wantedBox(call), call);
  const interruption = new Interruption(call);
  try {
    const base = await findBase(name, call.value('pull'), { ...call.context, signal: interruption.signal });
    const command = commandOf(base, words, call.value('entrypoint'));
    checkJobOptions(call, command);
    const box = await makeBox(call, wanted, base.rootfs);
    try {
      return await runIn(box, command, call, interruption);
    } finally {
      await box[Symbol.asyncDispose]();
    }
  } catch (reason) {
    const { received } = interruption;
    if (received === undefined || WardenError.from(reason).code !== 'canceled') throw reason;
    return signalledStatus(numberOf(received));
  } finally {
    interruption.end();
  }
}

/** With the image's own words, as docker puts them together. */
function commandOf({ entrypoint, command }: Base, words: readonly string[], own: string | undefined): readonly string[] {
  if (own !== undefined) return [...(own === '' ? [] : [own]), ...words];
  return [...entrypoint, ...(words.length > 0 ? words : command)];
}

function withGrace(wanted: WantedBox, call: Call): WantedBox {
  if (!call.flag('rm') || call.value('grace') !== undefined) return wanted;
  return { ...wanted, options: { ...wanted.options, graceTimeSeconds: ABANDONED_SECONDS } };
}

/** The container goes when its command could not be started, too. */
async function runIn(box: Box, command: readonly string[], call: Call, interruption: Interruption): Promise<number> {
  const { context } = call;
  let keep = false;
  try {
    if (interruption.received !== undefined) return signalledStatus(numberOf(interruption.received));
    const terminal = call.flag('tty') ? sizeOf(context.streams) : undefined;
    const { jobId } = await context.client.spawn(jobRequestOf(call, box.handle, command));
    keep = !call.flag('rm');
    if (call.flag('detach')) {
      await write(context.streams.stdout, call.json ? jsonText({ handle: box.handle, jobId }) : `${printable(box.handle)}\n`);
      return 0;
    }
    interruption.end();
    // It came while the job was being started: from now on signals are the job's.
    const { received } = interruption;
    if (received !== undefined) void context.client.signal({ handle: box.handle, jobId, signal: numberOf(received) }).catch(() => undefined);
    return await followJob({ handle: box.handle, jobId, input: call.flag('interactive'), terminal, detachable: keep }, context);
  } catch (reason) {
    if (keep) throw reason;
    await write(context.streams.stderr, `warden: ${sentence(reason)}\n`);
    return startFailure(WardenError.from(reason));
  } finally {
    if (!keep) await removed(box, context);
  }
}

async function removed(box: Box, { streams }: Call['context']): Promise<void> {
  try {
    await box.destroy();
  } catch (reason) {
    const error = WardenError.from(reason);
    if (error.code !== 'not_found') await write(streams.stderr, `warden: ${printable(box.handle)} is still there: ${sentence(error)}\n`);
  }
}

/** A signal, or an interrupt of the prompt, while there is no command yet that it could be passed on to. */
class Interruption {
  readonly #abort = new AbortController();
  readonly #ignore: (() => void) | undefined;
  readonly signal: AbortSignal;
  received: NodeJS.Signals | undefined;

  constructor({ context: { signals, signal } }: Call) {
    this.signal = signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal]);
    let count = 0;
    this.#ignore = signals?.listen((name) => {
      this.received ??= name;
      this.#abort.abort();
      // A server may be stuck: the third one ends the program.
      if (++count >= PATIENCE - 1) this.end();
    });
  }

  end(): void {
    this.#ignore?.();
  }
}
