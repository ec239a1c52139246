/*
 * A name server: UDP and TCP on port 53 of the given address. Each line of standard input is a zone in JSON, which takes the place of the one before and is
 * answered with a line; each question is a line of standard output. What has no entry does not exist.
 */
import dgram from 'node:dgram';
import net from 'node:net';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Zone } from './name-server.js';

const [address = '127.0.0.1'] = process.argv.slice(2);
let zone: Zone = {};

const labels = (name: string): Buffer => Buffer.concat([...name.split('.').flatMap((label) => [Buffer.of(label.length), Buffer.from(label)]), Buffer.of(0)]);

function record(name: string, type: number, ttl: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([labels(name), fixed, data]);
}

/** Records of a name, through what it stands for; undefined: there is no such name. */
function lookUp(name: string, type: number): Buffer[] | undefined {
  const known = zone[name] ?? zone[name.replace(/^[^.]+/, '*')];
  if (known === undefined) return undefined;
  const ttl = known.ttl ?? 60;
  if (known.alias !== undefined) return [record(name, 5, ttl, labels(known.alias)), ...lookUp(known.alias, type) ?? []];
  if (type !== 1) return [];
  return (known.addresses ?? []).map((text) => record(name, 1, ttl, Buffer.from(text.split('.').map(Number))));
}

function answer(query: Buffer, protocol: string): Buffer {
  const parts: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    parts.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const name = parts.join('.').toLowerCase();
  const type = query.readUInt16BE(at + 1);
  process.stdout.write(`${JSON.stringify({ protocol, name, type })}\n`);
  const records = lookUp(name, type);
  const tooLarge = protocol === 'udp' && (records?.length ?? 0) > 20;
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180 | (records === undefined ? 3 : 0) | (tooLarge ? 0x0200 : 0), 2);
  header.writeUInt16BE(tooLarge ? 0 : records?.length ?? 0, 6);
  header.writeUInt32BE(0, 8);
  return Buffer.concat([header, query.subarray(12, at + 5), ...(tooLarge ? [] : records ?? [])]);
}

const udp = dgram.createSocket('udp4', (query, { address: to, port }) => udp.send(answer(query, 'udp'), port, to));
const tcp = net.createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', (frame) => {
    const reply = answer(frame.subarray(2), 'tcp');
    socket.write(Buffer.concat([Buffer.of(reply.length >> 8, reply.length & 255), reply]));
  });
});
udp.bind(53, address);
tcp.listen(53, address);
await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
process.stdout.write('"ready"\n');
for await (const line of createInterface({ input: process.stdin })) {
  zone = JSON.parse(line) as Zone;
  process.stdout.write('"zone"\n');
}
process.exit(0);
