/** What a spawn or run request may say about its job beyond a script, and the limits of it. Checked without side effects. Pure. */
import { WardenError, type RequestInit, type Type } from 'warden-protocol';

export type JobRequest = RequestInit<Type.Spawn> | RequestInit<Type.Run>;

/** The kernel's limit for one argument or variable (MAX_ARG_STRLEN of execve(2)), less its NUL. */
const textLimitInBytes = 128 * 1024 - 1;
/** What a request's arguments and variables may take together; the container's own come on top. */
const vectorLimitInBytes = 128 * 1024;
const countLimit = 1024;
const variableNameLimit = 256;
/** PATH_MAX less its NUL. */
const pathLimitInBytes = 4095;
const userLimit = 64;
const termLimit = 64;
export const terminalLimit = 4096;
/** No uid or gid: to setresuid(2) it means no change. */
const noId = 0xffff_ffff;
/** A time-out beyond 30 years is none. */
const longestTimeoutMs = 1_000_000_000_000n;

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;
const termName = /^[A-Za-z0-9][A-Za-z0-9+._-]*$/;
/** What no line of a passwd file can have in a name, and what is left out to be safe to show. */
const unfitForName = /[\p{Cc}\p{Z}:,/\\]/u;

/** @throws WardenError invalid_argument, naming the field and its limit */
export function checkJobOptions(request: JobRequest): void {
  const { args = [], env = [] } = request;
  // Most jobs are a script and nothing else.
  if (args.length === 0 && env.length === 0 && !isBashArgument(request)) {
    checkRest(request);
    return;
  }
  checkArguments(args, request);
  checkEnvironment(env);
  const size = [...args, ...env, ...(isBashArgument(request) ? [request.script] : [])].reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
  if (size > vectorLimitInBytes) {
    throw invalid(`args, env${isBashArgument(request) ? ' and a script that is bash\'s argument' : ''} take ${size} bytes, the limit is ${vectorLimitInBytes} together`);
  }
  checkRest(request);
}

function checkRest({ cwd, tty, timeoutMs, user }: JobRequest): void {
  if (cwd !== undefined) checkDirectory(cwd);
  if (tty !== undefined) checkTerminal('tty.', tty.rows, tty.columns);
  if (tty?.term !== undefined && (tty.term.length > termLimit || !termName.test(tty.term))) {
    throw invalid(`tty.term is the name of a terminal such as xterm-256color, of at most ${termLimit} letters, digits and + . _ -, not ${shown(tty.term)}`);
  }
  if (timeoutMs === 0n) throw invalid('timeout_ms is at least 1; leave it out for no time-out');
  if (user !== undefined) checkUser(user);
}

/** @param prefix of the fields' names, for the error */
export function checkTerminal(prefix: string, rows: number, columns: number): void {
  for (const [name, value] of [['rows', rows], ['columns', columns]] as const) {
    if (value < 1 || value > terminalLimit) throw invalid(`${prefix}${name} is a number from 1 to ${terminalLimit}, not ${value}`);
  }
}

/** The time-out in force; undefined when there is none. */
export function timeoutOf({ timeoutMs }: JobRequest): bigint | undefined {
  return timeoutMs === undefined || timeoutMs > longestTimeoutMs ? undefined : timeoutMs;
}

/** Standard input is the job's own, so that the script cannot be there. */
export function hasOpenInput({ stdin, tty }: JobRequest): boolean {
  return stdin === true || tty !== undefined;
}

function isBashArgument(request: JobRequest): boolean {
  return hasOpenInput(request) && request.script !== '';
}

function checkArguments(args: readonly string[], request: JobRequest): void {
  if (args.length === 0) {
    if (isBashArgument(request)) checkText('a script that is bash\'s argument, as with stdin and tty,', request.script);
    return;
  }
  if (request.script !== '') throw invalid('script has to be empty when there are args: a job is one or the other');
  if (args.length > countLimit) throw invalid(`there are ${args.length} args, the limit is ${countLimit}`);
  if (args[0] === '') throw invalid('args[0] is the program, and empty');
  args.forEach((argument, index) => checkText(`args[${index}]`, argument));
}

function checkEnvironment(env: readonly string[]): void {
  if (env.length > countLimit) throw invalid(`there are ${env.length} env entries, the limit is ${countLimit}`);
  env.forEach((entry, index) => {
    const equals = entry.indexOf('=');
    const name = equals < 0 ? entry : entry.slice(0, equals);
    if (equals < 0) throw invalid(`env[${index}] is NAME=value, and ${shown(entry)} has no =`);
    if (name.length > variableNameLimit || !variableName.test(name)) {
      throw invalid(`the name of env[${index}] is at most ${variableNameLimit} letters, digits and underscores and begins with no digit, which ${shown(name)} is not`);
    }
    checkText(`env[${index}] (${shown(name)})`, entry);
  });
}

function checkText(what: string, text: string): void {
  if (text.includes('\0')) throw invalid(`${what} contains a NUL character`);
  const size = Buffer.byteLength(text);
  if (size > textLimitInBytes) throw invalid(`${what} has ${size} bytes, the limit is ${textLimitInBytes}`);
}

function checkDirectory(cwd: string): void {
  if (!cwd.startsWith('/')) throw invalid(`cwd is an absolute path in the container, not ${shown(cwd)}`);
  if (cwd.includes('\0')) throw invalid('cwd contains a NUL character');
  if (Buffer.byteLength(cwd) > pathLimitInBytes) throw invalid(`cwd has ${Buffer.byteLength(cwd)} bytes, the limit is ${pathLimitInBytes}`);
}

/** @throws WardenError invalid_argument */
export function checkUser(user: string): void {
  const ids = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(user);
  const isFit = ids === null
    ? user !== '' && user.length <= userLimit && !user.startsWith('-') && !/^\d/.test(user) && !unfitForName.test(user)
    : ids.slice(1).every((id) => id === undefined || Number(id) < noId);
  if (!isFit) throw invalid(`user is a name of the container's /etc/passwd, a uid, or uid:gid, not ${shown(user)}`);
}

/** As a person can read it: quoted, escaped, and not too long. */
function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function invalid(message: string): WardenError {
  return new WardenError('invalid_argument', message);
}
