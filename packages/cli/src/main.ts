// `warden`: what the command line asks for.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { addressOf, DEFAULT_SOCKET_PATH, WardenClient } from 'warden-client';
import { parseTraceparent } from 'warden-protocol';
import { runBatch, runStep } from './batch.js';
import { quoteWord } from './command-reader.js';
import type { CommandContext } from './commands.js';
import { programHelp } from './help.js';
import type { Environment } from './image/docker-credentials.js';
import { localCommandOf, localCommands } from './local-commands.js';
import { processSignals, type Signals } from './process-signals.js';
import { runPrompt } from './prompt.js';
import { sentence } from './sentence.js';
import { type Streams, write } from './streams.js';
import { subcommandOf } from './subcommands.js';

interface Invocation {
  socketPath: string;
  trace: boolean;
  exitOnError: boolean;
  help: boolean;
  /** One command, or undefined for a session. */
  words: readonly string[] | undefined;
}

const FAILED = 1;

/** Runs the program and answers with its exit status. */
export async function main(argv: readonly string[], streams: Streams = process, environment: Environment = process.env,
  signals: Signals = processSignals): Promise<number> {
  let invocation: Invocation | undefined;
  let client: WardenClient;
  try {
    invocation = parseInvocation(argv, environment);
    const local = localCommandOf(invocation.words ?? []);
    if (local !== undefined) return await local.run(invocation.words?.slice(1) ?? [], streams);
    // What a traced program starts has its trace in this variable; anything else in it is no reason to fail.
    const { TRACEPARENT: traceparent = '' } = environment;
    client = new WardenClient(addressOf(invocation.socketPath, environment), { traceparent: parseTraceparent(traceparent) === undefined ? undefined : traceparent });
  } catch (reason) {
    await write(streams.stderr, `warden: ${sentence(reason)}\n`);
    const [name = '', ...words] = invocation?.words ?? [];
    return subcommandOf(name, words)?.failedStatus ?? FAILED;
  }
  if (invocation.help) {
    await write(streams.stdout, programHelp(localCommands));
    return 0;
  }
  try {
    return await runSession({ client, streams, environment }, invocation, signals);
  } finally {
    await client.close();
  }
}

async function runSession(context: CommandContext & { environment: Environment }, invocation: Invocation, signals: Signals): Promise<number> {
  const { words } = invocation;
  const { client, streams, environment } = context;
  if (words !== undefined) return (await runStep({ words, text: words.map(quoteWord).join(' ') }, { ...context, input: streams.stdin, signals }, invocation, 0)).status;
  if (streams.stdin.isTTY === true && streams.stdout.isTTY === true) {
    return runPrompt(client, streams, { ...invocation, historyPath: join(environment['HOME'] ?? homedir(), '.warden-history') });
  }
  return runBatch(context, invocation);
}

/** Options end at the first word that is none, or behind `--`. Throws an error for a command line that makes no sense. */
function parseInvocation(argv: readonly string[], environment: Environment): Invocation {
  const invocation: Invocation = { socketPath: environment['WARDEN_SOCKET'] || DEFAULT_SOCKET_PATH, trace: false, exitOnError: false, help: false, words: undefined };
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string;
    const [option, value] = word.startsWith('--socket=') ? ['--socket', word.slice('--socket='.length)] : [word, undefined];
    switch (option) {
      case '--socket':
        invocation.socketPath = value ?? argv[++at] ?? '';
        if (invocation.socketPath === '') throw new Error('--socket needs the path of a socket, or tcp:HOST:PORT or tls:HOST:PORT');
        break;
      case '--trace':
        invocation.trace = true;
        break;
      case '--exit_on_error':
        invocation.exitOnError = true;
        break;
      case '--help':
        invocation.help = true;
        break;
      case '--':
        invocation.words = argv.slice(at + 1);
        if (invocation.words.length === 0) throw new Error('there is no command behind --');
        return invocation;
      default:
        if (word.startsWith('-')) throw new Error(`unknown option ${JSON.stringify(word)}; warden --help lists them`);
        invocation.words = argv.slice(at);
        return invocation;
    }
  }
  return invocation;
}
