// `top`: the processes of a container. What they are called is their own choice: it is shown, never obeyed.
import { type Process, type ProcessesResponse, Type } from 'warden-protocol';
import { paintFor } from '../colour.js';
import { jsonText } from '../json-text.js';
import { printableBytes } from '../print.js';
import { write } from '../streams.js';
import type { Call, Subcommand } from '../subcommand/subcommand.js';
import { type Column, tableLines } from '../table.js';
import { cpuTimeText, sizeText, startText } from './show.js';

const COLUMNS: readonly Column[] = [
  { heading: 'PID', alignRight: true }, { heading: 'PPID', alignRight: true }, { heading: 'UID', alignRight: true }, { heading: 'S' }, { heading: 'THREADS', alignRight: true },
  { heading: 'CPU%', alignRight: true }, { heading: 'TIME', alignRight: true }, { heading: 'MEMORY', alignRight: true }, { heading: 'STARTED' }, { heading: 'COMMAND' },
];

export const topCommand: Subcommand = {
  name: 'top',
  summary: 'list the processes of a container',
  usage: '[OPTION…] HANDLE',
  options: { 'no-trunc': { about: 'cut nothing off' } },
  fewest: 1,
  most: 1,
  json: true,
  operandKind: 'handle',
  notes: 'Numbers are those of the container itself; CPU% is of one processor, over the life of the process; STARTED is UTC.',
  run: showProcesses,
};

async function showProcesses(call: Call): Promise<number> {
  const { client, signal, environment, streams: { stdout, stderr } } = call.context;
  const [handle = ''] = call.operands;
  const { processes, more }: ProcessesResponse = await client.request(Type.Processes, { handle }, { signal });
  const now = Date.now();
  if (call.json) {
    await write(stdout, jsonText(processes.map(({ name, commandLine, ...process }) => ({ ...process, name: textOf(name), commandLine: commandLine === undefined ? undefined : argumentsOf(commandLine) }))));
  } else {
    const width = stdout.isTTY === true && !call.flag('no-trunc') ? stdout.columns : undefined;
    await write(stdout, `${tableLines(COLUMNS, processes.map((process) => rowOf(process, now)), paintFor(stdout, environment), width).join('\n')}\n`);
  }
  if (more === true) await write(stderr, 'warden: there are more processes than the server tells\n');
  return 0;
}

function rowOf({ pid, parentPid, uid, state, threads, cpuTimeMs = 0n, residentBytes = 0n, startedMs, name, commandLine }: Process, nowMs: number): string[] {
  const livedMs = startedMs === undefined ? 0 : nowMs - Number(startedMs);
  const share = livedMs <= 0 ? 0 : (Number(cpuTimeMs) / livedMs) * 100;
  // Without arguments: it has ended, or has hidden them. Its name is all there is, as ps shows it.
  const command = commandLine === undefined ? `[${printableBytes(name ?? new Uint8Array(0))}]` : argumentsOf(commandLine).map((argument) => printableBytes(Buffer.from(argument))).join(' ');
  return [String(pid), String(parentPid), String(uid), state, String(threads ?? '-'), share.toFixed(1), cpuTimeText(cpuTimeMs), sizeText(residentBytes), startText(startedMs, nowMs), command];
}

function argumentsOf(commandLine: Uint8Array): string[] {
  return textOf(commandLine).split('\0');
}

function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}
