// `doctor`: what is wrong with this machine, or with the way to the server, and what to do about it.
import { paintFor, type Colour } from '../colour.js';
import { jsonText } from '../json-text.js';
import { printable } from '../print.js';
import { write } from '../streams.js';
import type { Call, Subcommand } from '../subcommand/subcommand.js';
import type { Finding } from './finding.js';
import { checkMachine, type Machine, thisMachine } from './machine.js';
import { type Asker, checkServer, thisAsker } from './server.js';

const COLOURS: Readonly<Record<Finding['level'], Colour>> = { ok: 'green', warn: 'yellow', fail: 'red' };

export const doctorCommand: Subcommand = doctor();

/** @param machine and who asks, which tests replace */
export function doctor(machine: Machine = thisMachine, asker: () => Asker = thisAsker): Subcommand {
  return {
    name: 'doctor',
    summary: 'look whether wardend can run here and be reached, and say what to do if not',
    usage: '[OPTION…]',
    options: {
      config: { value: 'FILE', about: 'wardend\'s configuration, where it is not in its usual place' },
      set: { value: 'KEY=VALUE', many: true, about: 'a setting above those of files' },
      client: { about: 'only the way to the server, which may be another machine\'s' },
      quiet: { short: 'q', about: 'only what is not right' },
    },
    fewest: 0,
    most: 0,
    json: true,
    local: true,
    notes: 'One line for each finding. The exit status is 1 when something is wrong that keeps wardend from running or from being reached.',
    run: (call) => examine(call, machine, asker()),
  };
}

async function examine(call: Call, machine: Machine, asker: Asker): Promise<number> {
  const { client, streams: { stdout }, environment } = call.context;
  const config = call.value('config');
  const configuration = [...(config === undefined ? [] : ['--config', config]), ...call.values('set').flatMap((setting) => ['--set', setting])];
  const all = [...(call.flag('client') ? [] : await checkMachine(machine, configuration)), ...await checkServer(client, asker)];
  const shown = call.flag('quiet') ? all.filter(({ level }) => level !== 'ok') : all;
  const paint = paintFor(stdout, environment);
  await write(stdout, call.json ? jsonText(shown) : shown.map(({ level, text }) => `${paint(COLOURS[level], level.padEnd(4))}  ${printable(text.replace(/\s*\n\s*/g, '; '))}\n`).join(''));
  return all.some(({ level }) => level === 'fail') ? 1 : 0;
}
