/** Whether a program of the machine has a port: proc_net(5). */
import { readFileSync } from 'node:fs';
import type { PortProtocol } from '../../lib/port.js';

/** Of net/tcp_states.h, as the table has it. */
const listeningState = '0A';

export function isListening(protocol: PortProtocol, port: number, read: (path: string) => string = readTable): boolean {
  const tables = [read(`/proc/net/${protocol}`), read(`/proc/net/${protocol}6`)];
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  // Each row: number, local address, remote address, state.
  return tables.some((table) => table.split('\n').slice(1).some((row) => {
    const [, local, remote, state] = row.trim().split(/\s+/);
    if (local?.endsWith(suffix) !== true) return false;
    // A socket of UDP that is connected takes datagrams from its peer alone.
    return protocol === 'tcp' ? state === listeningState : remote?.endsWith(':0000') === true;
  }));
}

/** Without IPv6 there is no such table. */
function readTable(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
