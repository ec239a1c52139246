// One command: its words to a request, the request to the server, the answer to the screen, and an exit status.
import type { Readable } from 'node:stream';
import type { WardenClient } from 'warden-client';
import { messageTypes, type RequestInit, type RequestOf, requestTypeOf, Type, WardenError } from 'warden-protocol';
import { showEvents } from './events-command.js';
import { parseFields } from './fields.js';
import { runCopy } from './files/copy-command.js';
import { FILE_SUMMARIES, fileHelp, runFileCommand } from './files/file-command.js';
import { commandHelp, commandList, wholeHelp } from './help.js';
import { dockerCredentials, type Environment, registryOf } from './image/docker-credentials.js';
import { imageHelp, imageVerbs, runImageCommand } from './image/image-command.js';
import { copyLogs, jobCommandOf } from './job-commands.js';
import { feedJob } from './job-input.js';
import { LIMIT_HELP, runLimit } from './limit-command.js';
import { takeOutput } from './output-option.js';
import { printedFields } from './print.js';
import type { Signals } from './process-signals.js';
import { printAsJson } from './request-json.js';
import { sentence } from './sentence.js';
import { type Streams, write } from './streams.js';
import { runSubcommand } from './subcommand/dispatch.js';
import { subcommandOf, subcommands } from './subcommands.js';

export interface CommandContext {
  readonly client: WardenClient;
  readonly streams: Streams;
  /** Gives the command up. */
  readonly signal?: AbortSignal | undefined;
  /** What a job may read; not there when standard input holds commands. */
  readonly input?: Readable | undefined;
  /** What interrupts the command; not there in a session, which has ways of its own. */
  readonly signals?: Signals | undefined;
  /** Answers as JSON. */
  readonly json?: boolean;
  /** Where docker's configuration is looked for; the process's own unless given. */
  readonly environment?: Environment | undefined;
}

const FAILED = 1;
const MAX_STATUS = 255;

/** Runs a command and answers with its exit status: the job's own for run, stream and link, else 0 or 1. Never rejects. */
export async function runCommand(words: readonly string[], context: CommandContext): Promise<number> {
  try {
    return await dispatch(words, context);
  } catch (reason) {
    await write(context.streams.stderr, `${sentence(reason)}\n`);
    return FAILED;
  }
}

async function dispatch([name = '', ...given]: readonly string[], asked: CommandContext): Promise<number> {
  const { words, json } = takeOutput(given);
  const context = json ? { ...asked, json } : asked;
  const { client, streams: { stdout }, signal } = context;
  const subcommand = subcommandOf(name, words);
  if (subcommand !== undefined) return runSubcommand(subcommand, given, context, wholeHelp(subcommand));
  if (name === 'limit' || (name === 'help' && words[0] === 'limit')) {
    if (name === 'limit' && !words.includes('--help')) return runLimit(words, context);
    await write(stdout, LIMIT_HELP);
    return 0;
  }
  if (imageVerbs(name) !== undefined || (name === 'help' && imageVerbs(words[0] ?? '') !== undefined)) {
    if (name !== 'help' && !words.includes('--help')) return runImageCommand(name, given, context);
    await write(stdout, imageHelp(name === 'help' ? words[0] ?? '' : name));
    return 0;
  }
  if (FILE_SUMMARIES.has(name) || (name === 'help' && FILE_SUMMARIES.has(words[0] ?? ''))) {
    if (name !== 'help' && !words.includes('--help')) return runFileCommand(name, words, context);
    await write(stdout, fileHelp(name === 'help' ? words[0] ?? '' : name));
    return 0;
  }
  if (name === 'help') {
    const named = subcommands.get(words[0] ?? '');
    if (named !== undefined) {
      await write(stdout, wholeHelp(named));
      return 0;
    }
    const type = words[0] === undefined ? undefined : requestTypeOf(words[0]);
    if (words[0] !== undefined && type === undefined) throw unknownCommand(words[0]);
    await write(stdout, type === undefined ? commandList() : commandHelp(type));
    return 0;
  }
  const type = requestTypeOf(name);
  if (type === undefined) throw unknownCommand(name);
  if (words.includes('--help')) {
    await write(stdout, commandHelp(type));
    return 0;
  }
  const jobCommand = jobCommandOf(type, words);
  if (jobCommand !== undefined) return jobCommand(context);
  const request = parseFields(name, messageTypes[type].request, words);
  const options = signal === undefined ? undefined : { signal };
  if (json && type !== Type.Events) {
    const { stdin, tty } = request as { stdin?: boolean; tty?: object };
    if (type === Type.Run && (stdin === true || tty !== undefined)) throw new WardenError('invalid_argument', 'run -o json passes no input on: leave --stdin and --tty out, or spawn the job, and link it with -o json');
    const whole = type === Type.Create ? await withCredentials(request as unknown as RequestOf<Type.Create>, context) : request;
    const response = await printAsJson(type, whole as unknown as RequestInit<typeof type>, context) as { exitStatus?: number };
    return [Type.Run, Type.Link, Type.Stream].includes(type) ? statusOf(response.exitStatus) : 0;
  }
  switch (type) {
    case Type.Create:
      await write(stdout, printedFields(messageTypes[type].response, await client.create(await withCredentials(request as unknown as RequestOf<Type.Create>, context), options)));
      return 0;
    case Type.Run: return runJob(request as unknown as RequestOf<Type.Run>, context);
    case Type.Stream: return streamJob(request as unknown as RequestOf<Type.Stream>, context);
    case Type.Events: return showEvents(request as unknown as RequestOf<Type.Events>, context);
    case Type.Logs: return copyLogs(request as unknown as RequestOf<Type.Logs>, context);
    case Type.Spawn:
      await write(stdout, printedFields(messageTypes[type].response, await client.spawn(request as unknown as RequestOf<Type.Spawn>, options)));
      return 0;
    case Type.CopyIn:
    case Type.CopyOut: return runCopy(type, request as unknown as RequestOf<typeof type>, context);
    case Type.Ping:
      await client.ping(options);
      await write(stdout, 'pong\n');
      return 0;
    default: {
      const response = await client.request(type, request as unknown as RequestInit<typeof type>, options);
      await write(stdout, printedFields(messageTypes[type].response, response));
      return type === Type.Link ? statusOf((response as { exitStatus?: number }).exitStatus) : 0;
    }
  }
}

/** What docker's configuration knows of the registry that a create pulls from. */
async function withCredentials(request: RequestOf<Type.Create>, { environment }: CommandContext): Promise<RequestOf<Type.Create>> {
  if (request.rootfs?.startsWith('docker://') !== true || request.registryAuth !== undefined) return request;
  return { ...request, registryAuth: await dockerCredentials(registryOf(request.rootfs), environment ?? process.env) };
}

/** As spawn and stream rather than the protocol's run, which would give the output only at the end. */
async function runJob(request: RequestOf<Type.Run>, context: CommandContext): Promise<number> {
  const options = context.signal === undefined ? undefined : { signal: context.signal };
  const { jobId } = await context.client.spawn(request, options);
  const job = { handle: request.handle, jobId };
  if (context.input === undefined || (request.stdin !== true && request.tty === undefined)) return streamJob(job, context);
  const over = new AbortController();
  const feeding = feedJob(context.client, job, context.input, over.signal).catch((reason: unknown) => write(context.streams.stderr, `${sentence(reason)}\n`));
  try {
    return await streamJob(job, context);
  } finally {
    over.abort();
    await feeding;
  }
}

async function streamJob(request: RequestOf<Type.Stream>, { client, streams, signal }: CommandContext): Promise<number> {
  const stream = client.stream(request, signal === undefined ? undefined : { signal });
  try {
    for await (const { name, data } of stream) await write(name === 'stderr' ? streams.stderr : streams.stdout, data);
    return statusOf((await stream.result()).exitStatus);
  } catch (reason) {
    const error = WardenError.from(reason);
    if (error.code !== 'canceled') throw error;
    throw new WardenError('canceled', `interrupted; job ${request.jobId} goes on`, { cause: error });
  }
}

function statusOf(exitStatus: number | undefined): number {
  return Math.min(exitStatus ?? MAX_STATUS, MAX_STATUS);
}

function unknownCommand(name: string): WardenError {
  return new WardenError('invalid_argument', `unknown command ${JSON.stringify(name)}; help lists the commands`);
}
