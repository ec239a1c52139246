// `jobs HANDLE` and `logs HANDLE [JOB]`: the history of jobs for people. The same names with --handle are the protocol's requests.
import type { LogsRange } from 'warden-client';
import { type Job, Type, WardenError } from 'warden-protocol';
import type { CommandContext } from './commands.js';
import { jsonText } from './json-text.js';
import { printAsJson } from './request-json.js';
import { write } from './streams.js';
import { type Column, table } from './table.js';

/** The largest job id that the protocol can say. */
const LAST_JOB_ID = 2 ** 32 - 1;

/** How each is used, for help and errors. */
export const JOB_USAGES: ReadonlyMap<Type, string> = new Map([
  [Type.Jobs, 'jobs HANDLE'],
  [Type.Logs, 'logs HANDLE [JOB] [-f] [--since-byte N]'],
]);

/** The command that the words stand for, or undefined when they are a request's fields. */
export function jobCommandOf(type: Type, words: readonly string[]): ((context: CommandContext) => Promise<number>) | undefined {
  if (!JOB_USAGES.has(type) || words.some((word) => word === '--handle' || word.startsWith('--handle='))) return undefined;
  return type === Type.Jobs ? (context) => showJobs(words, context) : async (context) => copyLogs(await wantedLogs(parseLogs(words), context), context);
}

async function showJobs(words: readonly string[], { client, streams, signal, json }: CommandContext): Promise<number> {
  const [handle, ...rest] = words;
  if (handle === undefined || rest.length > 0 || handle.startsWith('-')) throw usage(Type.Jobs);
  const { jobs } = await client.jobs({ handle }, { signal });
  await write(streams.stdout, json === true ? jsonText(jobs) : jobsTable(jobs, Date.now()));
  return 0;
}

/** Output goes to where the job wrote it, byte for byte; the exit status is 0 whatever the job's is. */
export async function copyLogs(request: LogsRange, context: CommandContext): Promise<number> {
  const { client, streams, signal } = context;
  if (context.json === true) {
    await printAsJson(Type.Logs, { ...request, sinceByte: request.sinceByte === undefined ? undefined : BigInt(request.sinceByte) }, context);
    return 0;
  }
  const logs = client.logs(request, { signal });
  try {
    for await (const { name, data } of logs) await write(name === 'stderr' ? streams.stderr : streams.stdout, data);
    await logs.result();
  } catch (reason) {
    const error = WardenError.from(reason);
    if (error.code !== 'canceled') throw error;
    throw new WardenError('canceled', `interrupted; job ${request.jobId} is left as it is`, { cause: error });
  }
  return 0;
}

/** Of the job that was started last, unless one is named. */
async function wantedLogs({ jobId, ...range }: Omit<LogsRange, 'jobId'> & { readonly jobId: number | undefined }, { client, signal }: CommandContext): Promise<LogsRange> {
  if (jobId !== undefined) return { ...range, jobId };
  const { jobs } = await client.jobs({ handle: range.handle }, { signal });
  if (jobs.length === 0) throw new WardenError('not_found', `${range.handle} has no job whose output is there`);
  return { ...range, jobId: Math.max(...jobs.map(({ id }) => id)) };
}

function parseLogs(words: readonly string[]): Omit<LogsRange, 'jobId'> & { readonly jobId: number | undefined } {
  const positional: string[] = [];
  let follow = false;
  let sinceByte: bigint | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    const since = /^--since[-_]byte(?:=(.*))?$/s.exec(word);
    if (word === '-f' || word === '--follow') follow = true;
    else if (since !== null) sinceByte = parseNumber('--since-byte', since[1] ?? words[++at], 2n ** 64n - 1n);
    else if (word.startsWith('-')) throw usage(Type.Logs);
    else positional.push(word);
  }
  const [handle, job, ...rest] = positional;
  if (handle === undefined || rest.length > 0) throw usage(Type.Logs);
  return { handle, jobId: job === undefined ? undefined : Number(parseNumber('JOB', job, BigInt(LAST_JOB_ID))), follow, sinceByte };
}

function parseNumber(what: string, text: string | undefined, to: bigint): bigint {
  const value = text !== undefined && /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value > to) throw new WardenError('invalid_argument', `${what} of logs is a number from 0 to ${to}${text === undefined ? '' : `, not ${JSON.stringify(text)}`}`);
  return value;
}

function usage(type: Type): WardenError {
  return new WardenError('invalid_argument', `usage: ${JOB_USAGES.get(type) ?? ''}`);
}

const COLUMNS: readonly Column[] = ['ID', 'STATE', 'STARTED', 'DURATION', 'EXIT', 'OUTPUT', 'COMMAND'].map((heading) => ({ heading, alignRight: /^(?:ID|DURATION|OUTPUT)$/.test(heading) }));

/** One line for each job; times are UTC, output is in bytes. */
export function jobsTable(jobs: readonly Job[], nowMs: number): string {
  return table(COLUMNS, jobs.map((job) => [String(job.id), job.state, startOf(job), durationOf(job, nowMs), exitOf(job), String(job.outputBytes ?? '-'), job.command ?? '-']));
}

function startOf({ startedMs }: Job): string {
  const date = new Date(Number(startedMs ?? NaN));
  return Number.isNaN(date.getTime()) ? '-' : date.toISOString().replace(/\.\d+Z$/, 'Z');
}

function durationOf({ startedMs, endedMs, state }: Job, nowMs: number): string {
  const end = endedMs === undefined && state === 'running' ? nowMs : endedMs;
  if (startedMs === undefined || end === undefined) return '-';
  // The clock may have been set back meanwhile.
  const ms = Math.max(0, Number(end) - Number(startedMs));
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${(Math.floor(ms / 100) / 10).toFixed(1)}s`;
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  if (days > 0) return `${days}d${two(hours)}h`;
  return hours > 0 ? `${hours}h${two(minutes)}m` : `${minutes}m${two(seconds % 60)}s`;
}

function exitOf({ state, exitStatus, signal, timedOut, lost }: Job): string {
  if (state === 'running') return '-';
  if (timedOut === true) return 'timed out';
  if (lost === true) return 'lost';
  return signal === undefined ? String(exitStatus ?? '-') : `signal ${signal}`;
}
