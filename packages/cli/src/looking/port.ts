// `port`: which ports of the host lead to a container.
import { NetInProtocol, type NetInMapping, WardenError } from 'warden-protocol';
import { jsonText } from '../json-text.js';
import { write } from '../streams.js';
import type { Call, Subcommand } from '../subcommand/subcommand.js';

export const portCommand: Subcommand = {
  name: 'port',
  summary: 'show the ports of the host that lead to a container',
  usage: 'HANDLE [PORT[/udp]]',
  options: {},
  fewest: 1,
  most: 2,
  json: true,
  operandKind: 'handle',
  notes: 'With a port of the container only the ports of the host that lead there, one a line; it is an error when there is none.',
  run: showPorts,
};

async function showPorts(call: Call): Promise<number> {
  const { client, signal, streams: { stdout } } = call.context;
  const [handle = '', port] = call.operands;
  const wanted = port === undefined ? undefined : parsePort(port);
  const { netIn } = await client.info({ handle }, { signal });
  const shown = wanted === undefined ? netIn : netIn.filter((mapping) => mapping.containerPort === wanted.port && protocolOf(mapping) === wanted.protocol);
  if (wanted !== undefined && shown.length === 0) throw new WardenError('not_found', `no port of the host leads to ${port} of ${handle}; port ${handle} lists those that do`);
  if (call.json) await write(stdout, jsonText(shown.map(({ hostPort, containerPort, ...rest }) => ({ hostPort, containerPort, protocol: protocolOf(rest) }))));
  else await write(stdout, shown.map((mapping) => wanted === undefined ? `${mapping.containerPort}/${protocolOf(mapping)} -> ${mapping.hostPort}\n` : `${mapping.hostPort}\n`).join(''));
  return 0;
}

function protocolOf({ protocol }: Pick<NetInMapping, 'protocol'>): string {
  return protocol === NetInProtocol.UDP ? 'udp' : 'tcp';
}

function parsePort(text: string): { port: number; protocol: string } {
  const [, digits, protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(text) ?? [];
  const port = Number(digits ?? NaN);
  if (!(port >= 1 && port <= 65_535)) throw new WardenError('invalid_argument', `PORT is a number from 1 to 65535, with /udp for UDP, not ${JSON.stringify(text)}`);
  return { port, protocol };
}
