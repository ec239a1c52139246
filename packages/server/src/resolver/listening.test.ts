import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { after, test } from 'node:test';
import { parseIpv4Address } from '../lib/ipv4.js';
import { systemClock } from '../lib/timer.js';
import { Answering } from './answering.js';
import { Clients } from './clients.js';
import { Listening } from './listening.js';
import { readQuery, readResponse, RecordType, ResponseCode, writeQuery, writeReply, type DnsRecord } from './message.js';
import { frameOf, NoAnswer, Upstream } from './upstream.js';

const here = parseIpv4Address('127.0.0.1')!;
const record = (name: string): DnsRecord => ({ kind: 'address', name, ttlSeconds: 60, address: 0xc633_6401 });
const ask = (name: string): { query: Buffer; asked: { name: string; type: number; class: number } } => ({ query: writeQuery(7, name), asked: { name, type: RecordType.a, class: 1 } });

/** A name server on loopback, by UDP and TCP, that knows every name; `lies` are sent first. */
async function nameServer(lies: (query: Buffer) => Buffer[] = () => []) {
  const udp = dgram.createSocket('udp4');
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const { port } = udp.address();
  const answer = (query: Buffer): Buffer => writeReply(readQuery(query), 0, [record(readQuery(query).question.name ?? '')], 'tcp');
  udp.on('message', (query, from) => {
    for (const reply of [...lies(query), answer(query)]) udp.send(reply, from.port);
  });
  const tcp = net.createServer((socket) => {
    // In two pieces, as a stream may come.
    socket.on('data', (frame: Buffer) => {
      const reply = frameOf(answer(frame.subarray(2)));
      socket.write(reply.subarray(0, 3), () => socket.write(reply.subarray(3)));
    });
    socket.on('error', () => undefined);
  });
  tcp.listen(port, '127.0.0.1');
  await once(tcp, 'listening');
  after(() => {
    udp.close();
    tcp.close();
  });
  return { address: '127.0.0.1', port };
}

test('upstream: a false answer before the true one is passed over', async () => {
  const other = (query: Buffer): Buffer => writeReply(readQuery(writeQuery(7, 'other.test')), 0, [record('other.test')], 'udp').fill(query.subarray(0, 2), 0, 2);
  const server = await nameServer((query) => [Buffer.from('junk'), other(query)]);
  const upstream = new Upstream({ clock: systemClock, servers: () => [server] });
  const { query, asked } = ask('a.test');
  const accept = (reply: Buffer): boolean => {
    try {
      return readResponse(reply, 7, asked).records.length === 1;
    } catch {
      return false;
    }
  };
  for (const transport of ['udp', 'tcp'] as const) assert.deepEqual(readResponse(await upstream.ask(query, transport, accept), 7, asked).records, [record('a.test')]);
});

test('upstream: the next server is asked when nobody listens at the first', async () => {
  const gone = dgram.createSocket('udp4');
  gone.bind(0, '127.0.0.1');
  await once(gone, 'listening');
  const dead = { address: '127.0.0.1', port: gone.address().port };
  gone.close();
  await once(gone, 'close');
  const upstream = new Upstream({ clock: systemClock, servers: () => [dead, server] });
  const server = await nameServer();
  for (const transport of ['udp', 'tcp'] as const) assert.ok((await upstream.ask(ask('a.test').query, transport, () => true)).length > 12);
  await assert.rejects(new Upstream({ clock: systemClock, servers: () => [dead] }).ask(ask('a.test').query, 'udp', () => true), (error: Error) => error instanceof NoAnswer && /127\.0\.0\.1 port \d+: .*ECONNREFUSED/.test(error.message));
  await assert.rejects(new Upstream({ clock: systemClock, servers: () => [] }).ask(ask('a.test').query, 'udp', () => true), /no name server is known/);
});

async function listening() {
  const clients = new Clients();
  const server = await nameServer();
  const answering = new Answering(new Upstream({ clock: systemClock, servers: () => [server] }), async (_, __, found) => found.map(({ address }) => address), () => undefined);
  const open = await Listening.open({ clients, answering, clock: systemClock, address: '127.0.0.1' }, 0);
  after(() => open.close());
  return { clients, port: open.port };
}

async function byDatagram(port: number, query: Buffer): Promise<Buffer> {
  const socket = dgram.createSocket('udp4');
  socket.send(query, port, '127.0.0.1');
  const [reply] = await once(socket, 'message') as [Buffer];
  socket.close();
  return reply;
}

test('a client is answered by UDP and TCP on one port, several questions by one connection', async () => {
  const { clients, port } = await listening();
  clients.serve(here, ['a.test']);
  const { query, asked } = ask('a.test');
  assert.deepEqual(readResponse(await byDatagram(port, query), 7, asked).records, [record('a.test')]);
  const socket = net.connect(port, '127.0.0.1');
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  const frames = Buffer.concat([frameOf(query), frameOf(writeQuery(7, 'b.test'))]);
  socket.write(frames.subarray(0, 5));
  socket.write(frames.subarray(5));
  const frame = (): Buffer => Buffer.concat(received);
  while (frame().length < 2 || frame().length < 2 + frame().readUInt16BE(0) + 2) await once(socket, 'data');
  const first = frame().subarray(2, 2 + frame().readUInt16BE(0));
  assert.deepEqual(readResponse(first, 7, asked).records, [record('a.test')]);
  const second = frame().subarray(4 + first.length);
  assert.equal(readResponse(second, 7, { ...asked, name: 'b.test' }).code, ResponseCode.noSuchName);
  // What it may ask changes for a connection that is open, too, and when it may nothing, the connection ends.
  clients.forget(here);
  const closed = once(socket, 'close');
  socket.write(frameOf(query));
  await closed;
});

test('who is no client is not answered: its datagram is dropped, its connection closed', async () => {
  const { clients, port } = await listening();
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'close');
  const stranger = dgram.createSocket('udp4');
  stranger.on('message', () => assert.fail('a stranger was answered'));
  stranger.send(ask('a.test').query, port, '127.0.0.1');
  // A connection made later is accepted in a later turn, when the datagram has been read.
  await once(net.connect(port, '127.0.0.1'), 'close');
  clients.serve(here, []);
  await byDatagram(port, ask('a.test').query);
  stranger.close();
});

test('of one client only some connections are served, and a message that is too long ends one', async () => {
  const { clients, port } = await listening();
  clients.serve(here, []);
  const sockets = Array.from({ length: 8 }, () => net.connect(port, '127.0.0.1'));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const one = net.connect(port, '127.0.0.1');
  await once(one, 'close');
  const long = sockets[0]!;
  long.on('error', () => undefined);
  long.resume();
  const closed = once(long, 'close');
  long.write(Buffer.of(0xff, 0xff));
  await closed;
  for (const socket of sockets) socket.destroy();
});
