// The options of a job, which `run` and `exec` share, and the request they make.
import type { JobRequest } from 'warden-client';
import { WardenError } from 'warden-protocol';
import { parseDecimal } from '../size.js';
import type { Call, OptionTable } from '../subcommand/subcommand.js';
import { terminalLike } from './terminal.js';

const LONGEST_SECONDS = 1_000_000_000;

export const JOB_OPTIONS: OptionTable = {
  interactive: { short: 'i', about: 'pass standard input on to it' },
  tty: { short: 't', about: 'give it a terminal' },
  detach: { short: 'd', about: 'leave it in the background' },
  env: { short: 'e', value: 'NAME=VALUE', many: true, about: 'a variable of its environment; NAME alone: as it is here' },
  workdir: { short: 'w', value: 'DIR', about: 'where it begins, an absolute path in the container' },
  user: { short: 'u', value: 'USER', about: 'root, or a name, uid or uid:gid of the container; vcap unless the image has one' },
  timeout: { value: 'SECONDS', about: 'kill it when it has run so long; exit status 124' },
};

/** How `run` and `exec` start their job. Without a command it is bash, which reads what it is given. */
export function jobRequestOf(call: Call, handle: string, command: readonly string[]): JobRequest {
  const { streams, environment = process.env } = call.context;
  const tty = call.flag('tty');
  const timeout = call.value('timeout');
  return {
    handle,
    ...(command.length === 0 ? { script: '' } : { args: command }),
    env: variablesOf(call.values('env'), environment),
    cwd: call.value('workdir'),
    ...userOf(call.value('user')),
    ...(tty ? { tty: terminalLike(streams, environment) } : call.flag('interactive') ? { stdin: true } : {}),
    ...(timeout === undefined ? {} : { timeoutMs: Math.max(1, Math.round(parseDecimal('--timeout', timeout, LONGEST_SECONDS) * 1000)) }),
  };
}

/** @throws WardenError invalid_argument for what cannot be had where the command runs, before anything was made */
export function checkJobOptions(call: Call, command: readonly string[]): void {
  const [interactive, tty] = [call.flag('interactive'), call.flag('tty')];
  const { input, streams } = call.context;
  if (command.length === 0 && !interactive && !tty) throw invalid('which command? Write it behind the rest, or -it for a shell');
  if (call.flag('detach')) return;
  if (interactive && input === undefined) throw invalid('-i has nothing to read here: in a session the input holds commands; run it as one command of its own');
  if (interactive && tty && streams.stdin.isTTY !== true) throw invalid('-it needs a terminal as standard input, which this is not; leave -t out to pass on what is there');
}

/** Root of a container is what the protocol calls privileged. */
function userOf(user: string | undefined): { user?: string; privileged?: boolean } {
  if (user === undefined) return {};
  return /^(?:root|0)(?::(?:root|0))?$/.test(user) ? { privileged: true } : { user };
}

function variablesOf(texts: readonly string[], environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return texts.flatMap((text) => {
    if (text.includes('=')) return [text];
    const value = environment[text];
    return value === undefined ? [] : [`${text}=${value}`];
  });
}

function invalid(message: string): WardenError {
  return new WardenError('invalid_argument', message);
}
