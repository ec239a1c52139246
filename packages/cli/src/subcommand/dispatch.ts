// Runs a subcommand: its help, its errors as one sentence, and an interrupt that gives it up.
import { constants } from 'node:os';
import { WardenError } from 'warden-protocol';
import type { CommandContext } from '../commands.js';
import { sentence } from '../sentence.js';
import { write } from '../streams.js';
import { subcommandHelp } from './help.js';
import { parseOptions } from './options.js';
import type { Call, Subcommand } from './subcommand.js';

const FAILED = 1;
/** What shells add to the number of the signal that ended a command. */
const SIGNALLED = 128;

/** Answers with its exit status. Never rejects. */
export async function runSubcommand(subcommand: Subcommand, words: readonly string[], context: CommandContext, help = subcommandHelp(subcommand)): Promise<number> {
  try {
    const parsed = parseOptions(subcommand, words);
    if (parsed.help) {
      await write(context.streams.stdout, help);
      return 0;
    }
    return await (subcommand.takesSignals === true ? subcommand.run({ ...parsed, context }) : interruptibly(subcommand, { ...parsed, context }));
  } catch (reason) {
    await write(context.streams.stderr, `warden: ${sentence(reason)}\n`);
    return subcommand.failedStatus ?? FAILED;
  }
}

async function interruptibly(subcommand: Subcommand, call: Call): Promise<number> {
  const { signals, signal } = call.context;
  if (signals === undefined) return subcommand.run(call);
  const interrupt = new AbortController();
  let received: NodeJS.Signals | undefined;
  const ignore = signals.listen((name) => {
    received = name;
    interrupt.abort();
    // Not everything can be given up, and a server may be stuck: the second one ends the program.
    ignore();
  });
  try {
    return await subcommand.run({ ...call, context: { ...call.context, signal: signal === undefined ? interrupt.signal : AbortSignal.any([signal, interrupt.signal]) } });
  } catch (reason) {
    if (received === undefined || WardenError.from(reason).code !== 'canceled') throw reason;
    return SIGNALLED + constants.signals[received];
  } finally {
    ignore();
  }
}
