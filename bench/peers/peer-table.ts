/* The peers as a Markdown table: milliseconds, because most of them take many. */
import { formatNumber } from '../table.js';
import type { PeerRow } from './samples.js';
import type { Summary } from '../statistics.js';

const COLUMNS = ['system', 'network', 'create, ready to run', 'run `true`', 'destroy', 'all three, or the whole run', 'p99', '× warden', 'memory beside an idle container', 'daemons'];
const REASON_LENGTH = 400;

/** Text of others in a cell: one line, no column of its own. */
export function cell(text: string): string {
  const line = text.replace(/\s+/g, ' ').replaceAll('|', '\\|');
  return line.length > REASON_LENGTH ? `${line.slice(0, REASON_LENGTH)}…` : line;
}

/** `warden` is the row that the others are compared with. */
export function peerTable(rows: readonly PeerRow[], warden: string): string {
  const own = rows.find(({ name }) => name === warden)?.whole?.median;
  const milliseconds = (summary: Summary | undefined): string => summary === undefined ? '' : formatNumber(summary.median / 1000);
  const mib = (value: number | undefined): string => value === undefined ? '' : value === 0 ? 'none' : `${formatNumber(value)} MiB`;
  const lines = rows.map(({ name, version, network, create, run, destroy, whole, helpersInMib, daemonsInMib, reason }) => [
    version === undefined ? name : `${name} ${version}`,
    reason === undefined ? network ?? '' : `${network === undefined ? '' : `${cell(network)}: `}not measured: ${cell(reason)}`,
    milliseconds(create), milliseconds(run), milliseconds(destroy), milliseconds(whole),
    whole === undefined ? '' : formatNumber(whole.p99 / 1000),
    whole === undefined || own === undefined ? '' : formatNumber(whole.median / own),
    mib(helpersInMib), mib(daemonsInMib),
  ]);
  return [COLUMNS, ['---', '---', ...COLUMNS.slice(2).map(() => '---:')], ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
