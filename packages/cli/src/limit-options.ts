// The options of limits that `run`, `create` and `limits` have in common.
import type { Limits } from 'warden-client';
import { parseDecimal, parseSize, parseWhole } from './size.js';
import type { Call } from './subcommand/subcommand.js';

const MOST_PROCESSORS = 100_000;
const MOST_PIDS = 4_194_304;
/** No limit, where the protocol has no word for it. */
const UNLIMITED = 2n ** 64n - 1n;

/** What an option says, if it was given. @param none what the word `none` says; without it that is no amount */
export function amountOf<T>(call: Call, name: string, parse: (what: string, text: string) => T, none?: T): T | undefined {
  const text = call.value(name);
  if (text === undefined) return undefined;
  return none !== undefined && text === 'none' ? none : parse(`--${name}`, text);
}

/** @param mayLift a limit may be taken off by `none` @throws WardenError invalid_argument, naming the option */
export function commonLimits(call: Call, mayLift: boolean): Limits {
  const none = <T>(value: T): T | undefined => (mayLift ? value : undefined);
  return {
    memoryBytes: amountOf(call, 'memory', parseSize, none(UNLIMITED)),
    processors: amountOf(call, 'cpus', (what, text) => parseDecimal(what, text, MOST_PROCESSORS), none(0)),
    cpuShares: amountOf(call, 'cpu-shares', (what, text) => parseWhole(what, text, 2, 262_144)),
    processes: amountOf<number | bigint>(call, 'pids', (what, text) => parseWhole(what, text, 1, MOST_PIDS), none(UNLIMITED)),
    diskBytes: amountOf(call, 'disk', parseSize, none(0n)),
  };
}
