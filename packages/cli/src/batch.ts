// Commands from a pipe or a file, one after the other.
import { StringDecoder } from 'node:string_decoder';
import { type Command, CommandReader, CommandSyntaxError } from './command-reader.js';
import { type CommandContext, runCommand } from './commands.js';
import { sentence } from './sentence.js';
import { type Streams, write } from './streams.js';

export interface SessionOptions {
  /** Print each command behind a + before it runs. */
  readonly trace: boolean;
  /** Stop at the first command that fails. */
  readonly exitOnError: boolean;
}

/** What became of one command of a session. */
export interface Step {
  readonly status: number;
  /** No further command is wanted. */
  readonly leave: boolean;
}

/** Runs one command of a session; `status` is the one of the command before. */
export async function runStep(command: Command, context: CommandContext, { trace, exitOnError }: SessionOptions, status: number): Promise<Step> {
  if (trace) await write(context.streams.stdout, `+ ${command.text}\n`);
  if (command.words[0] === 'exit' || command.words[0] === 'quit') return { status, leave: true };
  const own = await runCommand(command.words, context);
  return { status: own, leave: exitOnError && own !== 0 };
}

/** Runs what standard input holds, and answers with the status of the last command that ran. */
export async function runBatch(context: CommandContext, options: SessionOptions): Promise<number> {
  let status = 0;
  try {
    for await (const command of commandsFrom(context.streams)) {
      const step = await runStep(command, context, options, status);
      status = step.status;
      if (step.leave) break;
    }
  } catch (reason) {
    if (!(reason instanceof CommandSyntaxError)) throw reason;
    await write(context.streams.stderr, `${sentence(reason)}\n`);
    status = 1;
  }
  return status;
}

async function* commandsFrom({ stdin }: Streams): AsyncGenerator<Command, void, void> {
  const reader = new CommandReader();
  const decoder = new StringDecoder('utf8');
  for await (const chunk of stdin) yield* reader.push(decoder.write(chunk as Buffer));
  yield* reader.push(decoder.end());
  yield* reader.end();
}
