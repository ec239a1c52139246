// `ps`: containers, one a line.
import { listPages } from 'warden-client';
import type { ContainerSummary, LabelFilter } from 'warden-protocol';
import { NetInProtocol, WardenError } from 'warden-protocol';
import { paintFor } from '../colour.js';
import { jsonText } from '../json-text.js';
import { printable } from '../print.js';
import { write } from '../streams.js';
import type { Call, Subcommand } from '../subcommand/subcommand.js';
import { type Column, tableLines } from '../table.js';
import { labelsOf } from './plain.js';
import { spanText } from './show.js';
import { stateColour } from './state-colour.js';

const STATES = ['active', 'stopped', 'born'];
const LONGEST_CELL = 32;

const COLUMNS: readonly Column[] = [
  { heading: 'HANDLE' }, { heading: 'ROOTFS' }, { heading: 'CREATED' }, { heading: 'STATE', colour: stateColour }, { heading: 'JOBS', alignRight: true }, { heading: 'ADDRESS' }, { heading: 'PORTS' },
];

export const psCommand: Subcommand = {
  name: 'ps',
  summary: 'list containers',
  usage: '[OPTION…]',
  options: {
    all: { short: 'a', about: 'those that are stopped, too' },
    quiet: { short: 'q', about: 'handles alone, one a line' },
    filter: { short: 'f', value: 'WHAT=TEXT', many: true, about: 'only those with label=KEY or label=KEY=VALUE, status=active|stopped, name=PART of the handle, rootfs=PART' },
    labels: { about: 'show labels, too' },
    'no-trunc': { about: 'cut nothing off' },
  },
  fewest: 0,
  most: 0,
  json: true,
  notes: 'Of several filters all must hold; of several of status, name or rootfs one of that kind.',
  run: showContainers,
};

interface Filters {
  readonly labels: readonly LabelFilter[];
  /** Texts of each other kind of filter. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
}

async function showContainers(call: Call): Promise<number> {
  const { client, streams: { stdout }, signal, environment } = call.context;
  const filters = parseFilters(call.values('filter'));
  const { containers, handles } = await listPages(client, filters.labels, { signal });
  if (containers.length !== handles.length) throw new WardenError('unsupported', 'the server is too old to tell more than handles; list shows those');
  const wanted = containers.filter((container) => isWanted(container, filters, call.flag('all')));
  if (call.flag('quiet')) {
    await write(stdout, call.json ? jsonText(wanted.map(({ handle }) => handle)) : wanted.map(({ handle }) => `${printable(handle)}\n`).join(''));
    return 0;
  }
  if (call.json) {
    await write(stdout, jsonText(wanted.map(plainSummary)));
    return 0;
  }
  const withLabels = call.flag('labels');
  const columns = withLabels ? [...COLUMNS, { heading: 'LABELS' }] : COLUMNS;
  const rows = wanted.map((container) => [...rowOf(container, Date.now()), ...(withLabels ? [labelsText(container)] : [])].map((cell) => call.flag('no-trunc') ? cell : shortened(cell)));
  await write(stdout, `${tableLines(columns, rows, paintFor(stdout, environment)).join('\n')}\n`);
  return 0;
}

function isWanted({ handle, state, rootfs = '' }: ContainerSummary, { texts }: Filters, all: boolean): boolean {
  const statuses = texts.get('status');
  if (statuses === undefined ? !all && state !== 'active' : !statuses.includes(state)) return false;
  const hasPart = (kind: string, text: string): boolean => texts.get(kind)?.some((part) => text.includes(part)) ?? true;
  return hasPart('name', handle) && hasPart('rootfs', rootfs);
}

function parseFilters(filters: readonly string[]): Filters {
  const labels: LabelFilter[] = [];
  const texts = new Map<string, string[]>();
  for (const filter of filters) {
    const [, kind = '', text = ''] = /^(label|status|name|rootfs)=(.+)$/s.exec(filter) ?? [];
    if (kind === '') throw invalid(`--filter of ps is label=KEY, label=KEY=VALUE, status=STATE, name=PART or rootfs=PART, not ${JSON.stringify(filter)}`);
    if (kind === 'status' && !STATES.includes(text)) throw invalid(`--filter status of ps is one of ${STATES.join(', ')}, not ${JSON.stringify(text)}`);
    if (kind === 'label') labels.push(labelFilter(text));
    else texts.set(kind, [...(texts.get(kind) ?? []), text]);
  }
  return { labels, texts };
}

function labelFilter(text: string): LabelFilter {
  const at = text.indexOf('=');
  return at === -1 ? { key: text } : { key: text.slice(0, at), value: text.slice(at + 1) };
}

function rowOf({ handle, rootfs, createdMs, state, ttlLeftMs, jobs = 0, containerIp, netIn }: ContainerSummary, nowMs: number): string[] {
  const created = createdMs === undefined ? '-' : `${spanText(nowMs - Number(createdMs))} ago`;
  const end = ttlLeftMs === undefined ? '' : `, ${spanText(Number(ttlLeftMs))} left`;
  const ports = netIn.map(({ hostPort, containerPort, protocol }) => `${hostPort}->${containerPort}/${protocol === NetInProtocol.UDP ? 'udp' : 'tcp'}`);
  return [handle, rootfs ?? '-', created, `${state}${end}`, String(jobs), containerIp ?? '-', ports.join(', ')];
}

function labelsText({ labels }: ContainerSummary): string {
  return labels.map(({ key, value }) => value === '' ? key : `${key}=${value}`).join(', ');
}

function shortened(cell: string): string {
  const characters = [...cell];
  return characters.length <= LONGEST_CELL ? cell : `${characters.slice(0, LONGEST_CELL - 1).join('')}…`;
}

function invalid(message: string): WardenError {
  return new WardenError('invalid_argument', message);
}

function plainSummary({ labels, netIn, ...summary }: ContainerSummary): object {
  return { ...summary, labels: labelsOf(labels), netIn: netIn.map(({ protocol, ...ports }) => ({ ...ports, protocol: protocol === NetInProtocol.UDP ? 'udp' : 'tcp' })) };
}
