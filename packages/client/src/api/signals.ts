// Signals by the names that kill -l has for them on Linux, which is where jobs run, wherever the client does.
import { WardenError } from 'warden-protocol';

const NAMES = ['HUP', 'INT', 'QUIT', 'ILL', 'TRAP', 'ABRT', 'BUS', 'FPE', 'KILL', 'USR1', 'SEGV', 'USR2', 'PIPE', 'ALRM', 'TERM', 'STKFLT', 'CHLD', 'CONT', 'STOP', 'TSTP', 'TTIN',
  'TTOU', 'URG', 'XCPU', 'XFSZ', 'VTALRM', 'PROF', 'WINCH', 'IO', 'PWR', 'SYS'] as const;

type Name = (typeof NAMES)[number];

/** KILL, SIGKILL, or 9. */
export type Signal = Name | `SIG${Name}` | number;

/** Throws invalid_argument for what is no signal. */
export function signalNumber(signal: Signal): number {
  const found = typeof signal === 'number' ? signal : NAMES.indexOf(signal.replace(/^SIG/, '') as Name) + 1;
  if (!Number.isInteger(found) || found < 1 || found > 64) throw new WardenError('invalid_argument', `there is no signal ${JSON.stringify(signal)}: it is a name such as TERM or KILL, or a number from 1 to 64`);
  return found;
}

/** SIGKILL of 9; SIG34 of those without a name. */
export function signalName(signal: number): string {
  return `SIG${NAMES[signal - 1] ?? signal}`;
}
