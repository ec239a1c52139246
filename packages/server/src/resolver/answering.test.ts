import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4Address, parseIpv4Address } from '../lib/ipv4.js';
import { Answering, type FoundAddress } from './answering.js';
import { Client } from './clients.js';
import { readQuery, readResponse, RecordType, ResponseCode, writeQuery, writeReply, type DnsRecord, type Response } from './message.js';
import type { Transport } from './upstream.js';

const client = (...patterns: string[]): Client => {
  const made = new Client(parseIpv4Address('10.254.0.2')!);
  made.serve(patterns);
  return made;
};
const address = (name: string, text: string, ttlSeconds = 60): DnsRecord => ({ kind: 'address', name, ttlSeconds, address: parseIpv4Address(text)! });
const alias = (name: string, target: string, ttlSeconds = 60): DnsRecord => ({ kind: 'alias', name, ttlSeconds, target });

interface Zone { readonly [name: string]: readonly DnsRecord[] | number }

/** A name server that knows a zone, and what was asked and opened. */
function world(zone: Zone, closed: readonly string[] = []) {
  const asked: string[] = [];
  const opened: string[] = [];
  const reported: string[] = [];
  const ask = async (bytes: Buffer, transport: Transport, accept: (reply: Buffer) => boolean): Promise<Buffer> => {
    const query = readQuery(bytes);
    asked.push(`${transport} ${query.question.name}`);
    const known = zone[query.question.name ?? ''] ?? ResponseCode.noSuchName;
    const reply = typeof known === 'number' ? writeReply(query, known, [], transport) : writeReply(query, 0, known, transport);
    assert.ok(accept(reply));
    const forged = Buffer.from(reply);
    forged.writeUInt16BE(query.id ^ 1, 0);
    assert.ok(!accept(forged), 'an answer with another id');
    return reply;
  };
  const open = async (_: number, name: string, found: readonly FoundAddress[]): Promise<number[]> => {
    const allowed = found.filter((each) => !closed.includes(formatIpv4Address(each.address)));
    opened.push(...allowed.map((each) => `${name} ${formatIpv4Address(each.address)} ${each.ttlSeconds}`));
    return allowed.map((each) => each.address);
  };
  return { asked, opened, reported, answering: new Answering({ ask }, open, (reason) => reported.push(reason)) };
}

async function answered(answering: Answering, who: Client, name: string, type: number = RecordType.a, transport: Transport = 'udp'): Promise<Response> {
  const reply = await answering.answer(who, writeQuery(77, name, type), transport);
  assert.ok(reply !== undefined);
  return readResponse(reply, 77, { name, type, class: 1 });
}

const addresses = ({ records }: Response): string[] => records.flatMap((record) => (record.kind === 'address' ? [`${record.name} ${formatIpv4Address(record.address)} ${record.ttlSeconds}`] : []));

test('an allowed name is looked up, opened, and answered, in that order', async () => {
  const { answering, opened } = world({ 'api.example.com': [address('api.example.com', '198.51.100.1'), address('api.example.com', '198.51.100.2', 5)] });
  const reply = await answered(answering, client('api.example.com'), 'api.example.com');
  assert.deepEqual(addresses(reply), ['api.example.com 198.51.100.1 60', 'api.example.com 198.51.100.2 5']);
  assert.deepEqual(opened, ['api.example.com 198.51.100.1 60', 'api.example.com 198.51.100.2 5']);
});

test('of all other names nobody is asked', async () => {
  const { answering, asked, opened } = world({ 'evil.test': [address('evil.test', '198.51.100.9')] });
  const who = client('api.example.com', '*.cdn.example');
  for (const name of ['evil.test', 'example.com', 'www.api.example.com', 'cdn.example', 'secret.evil.test', 'api.example.com.evil.test']) {
    for (const type of [RecordType.a, RecordType.aaaa, 16, 255, 65]) assert.equal((await answered(answering, who, name, type)).code, ResponseCode.noSuchName, name);
  }
  assert.deepEqual([asked, opened], [[], []]);
});

test('of allowed names other records are not looked up either', async () => {
  const { answering, asked } = world({});
  for (const type of [RecordType.aaaa, 15, 16, 33, 65, 255]) {
    const reply = await answered(answering, client('*.example.com'), 'data.example.com', type);
    assert.deepEqual([reply.code, reply.records], [ResponseCode.noError, []]);
  }
  assert.deepEqual(asked, []);
});

test('a chain of aliases is followed, and only what is at its end is opened', async () => {
  const { answering, opened, asked } = world({
    'www.example.com': [alias('www.example.com', 'a.cdn.test'), alias('a.cdn.test', 'b.cdn.test', 0), address('b.cdn.test', '198.51.100.3', 99_999), address('other.test', '198.51.100.66')],
  });
  const reply = await answered(answering, client('www.example.com'), 'www.example.com');
  assert.deepEqual(reply.records.map((record) => [record.kind, record.name, record.ttlSeconds]), [['alias', 'www.example.com', 60], ['alias', 'a.cdn.test', 1], ['address', 'b.cdn.test', 3600]]);
  assert.deepEqual(opened, ['www.example.com 198.51.100.3 3600']);
  assert.deepEqual(asked, ['udp www.example.com']);
});

test('an alias without what it leads to is followed by asking', async () => {
  const { answering, asked, opened } = world({ 'www.example.com': [alias('www.example.com', 'a.cdn.test')], 'a.cdn.test': [alias('a.cdn.test', 'b.cdn.test')], 'b.cdn.test': [address('b.cdn.test', '198.51.100.3')] });
  await answered(answering, client('www.example.com'), 'www.example.com');
  assert.deepEqual(asked, ['udp www.example.com', 'udp a.cdn.test', 'udp b.cdn.test']);
  assert.deepEqual(opened, ['www.example.com 198.51.100.3 60']);
});

test('aliases in a circle end', async () => {
  const { answering, reported } = world({ 'a.test': [alias('a.test', 'b.test'), alias('b.test', 'a.test')] });
  assert.equal((await answered(answering, client('a.test'), 'a.test')).code, ResponseCode.serverFailure);
  assert.match(reported.join(), /a\.test stands for more than 16 names/);
});

test('an address that was not opened is not told', async () => {
  const { answering } = world({ 'a.test': [address('a.test', '127.0.0.1'), address('a.test', '198.51.100.3')] }, ['127.0.0.1']);
  assert.deepEqual(addresses(await answered(answering, client('a.test'), 'a.test')), ['a.test 198.51.100.3 60']);
});

test('a name that does not exist, and a server that fails', async () => {
  const { answering, reported } = world({ 'gone.test': ResponseCode.noSuchName, 'broken.test': ResponseCode.serverFailure, 'refused.test': ResponseCode.refused });
  const who = client('*.test', 'gone.test');
  assert.equal((await answered(answering, who, 'gone.test')).code, ResponseCode.noSuchName);
  for (const name of ['broken.test', 'refused.test']) assert.equal((await answered(answering, who, name)).code, ResponseCode.serverFailure);
  assert.equal(reported.length, 2);
});

test('an answer that does not fit into a datagram is asked for by TCP', async () => {
  const many = Array.from({ length: 100 }, (_, index) => address('many.test', `198.51.100.${index}`));
  const { answering, asked, opened } = world({ 'many.test': many });
  const reply = await answered(answering, client('many.test'), 'many.test', RecordType.a, 'tcp');
  assert.deepEqual(asked, ['udp many.test', 'tcp many.test']);
  assert.deepEqual([addresses(reply).length, opened.length], [64, 64]);
});

test('for a container without domain rules everything is passed on', async () => {
  const { answering, asked, opened } = world({ 'any.test': [address('any.test', '198.51.100.3')] });
  assert.deepEqual(addresses(await answered(answering, client(), 'any.test')), ['any.test 198.51.100.3 60']);
  await answered(answering, client(), 'any.test', RecordType.a, 'tcp');
  assert.deepEqual([asked, opened], [['udp any.test', 'tcp any.test'], []]);
});

test('what is no question gets an error, and an answer gets none', async () => {
  const { answering } = world({});
  const flags = (value: number): Buffer => {
    const bytes = writeQuery(77, 'a.test');
    bytes.writeUInt16BE(value, 2);
    return bytes;
  };
  assert.equal(await answering.answer(client(), flags(0x8180), 'udp'), undefined);
  assert.equal(await answering.answer(client(), Buffer.from('short'), 'udp'), undefined);
  assert.equal((await answering.answer(client(), flags(0x2800), 'udp'))?.readUInt16BE(2), 0x8000 | ResponseCode.notImplemented);
  assert.equal((await answering.answer(client(), writeQuery(77, 'a.test').subarray(0, 14), 'udp'))?.readUInt16BE(2), 0x8000 | ResponseCode.formatError);
});

test('of one container only so many questions are answered at a time', async () => {
  const who = client();
  let finish: (value: Buffer) => void = () => undefined;
  const slow = new Promise<Buffer>((resolve) => { finish = resolve; });
  const under = Array.from({ length: 32 }, () => who.answering(() => slow));
  assert.equal(await who.answering(async () => Buffer.of(1)), undefined);
  finish(Buffer.of(2));
  await Promise.all(under);
  assert.deepEqual(await who.answering(async () => Buffer.of(3)), Buffer.of(3));
});
