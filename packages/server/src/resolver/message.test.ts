import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { test } from 'node:test';
import {
  classInternet, isStandardQuery, MalformedMessage, queryId, readQuery, readResponse, RecordType, ResponseCode, writeQuery, writeRefusal, writeReply,
  type DnsRecord,
} from './message.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const label = (text: string): string => Buffer.concat([Buffer.of(Buffer.byteLength(text)), Buffer.from(text)]).toString('hex');
/** The question `www.Example.com A IN` as `dig` sends it. */
const question = `${label('www')}${label('Example')}${label('com')}00 0001 0001`;
const asked = { name: 'www.example.com', type: RecordType.a, class: classInternet };

test('a question is read: name in lower case, type, class, id', () => {
  const query = readQuery(hex(`abcd 0100 0001 0000 0000 0000 ${question}`));
  assert.deepEqual({ ...query, questionBytes: query.questionBytes.toString('hex') }, { id: 0xabcd, recursionDesired: true, question: asked, questionBytes: hex(question).toString('hex'), udpLimit: undefined });
});

test('EDNS says how large an answer may be, within 512 and 1232', () => {
  const limit = (size: string): number | undefined => readQuery(hex(`abcd 0100 0001 0000 0000 0001 ${question} 00 0029 ${size} 00000000 0000`)).udpLimit;
  assert.deepEqual([limit('0000'), limit('0400'), limit('ffff')], [512, 1024, 1232]);
});

test('a name that no host has is no name: dots and other bytes within a label, and the root', () => {
  for (const labels of [label('www.example') + label('com'), label('a b'), label('ä'), label('-a'), '']) {
    assert.equal(readQuery(hex(`abcd 0100 0001 0000 0000 0000 ${labels}00 0001 0001`)).question.name, undefined, labels);
  }
});

test('what is not one question is refused', () => {
  const bad = {
    'too short': 'abcd 0100 0001 0000 0000',
    'an answer': `abcd 8180 0001 0000 0000 0000 ${question}`,
    'no question': 'abcd 0100 0000 0000 0000 0000',
    'two questions': `abcd 0100 0002 0000 0000 0000 ${question} ${question}`,
    'a question with answers': `abcd 0100 0001 0001 0000 0000 ${question}`,
    'counts of what is not there': `abcd 0100 0001 ffff ffff ffff ${question}`,
    'additions that are not there': `abcd 0100 0001 0000 0000 0001 ${question}`,
    'a name without end': `abcd 0100 0001 0000 0000 0000 ${label('www')}`,
    'a label without end': 'abcd 0100 0001 0000 0000 0000 3f6161',
    'a name that is itself': 'abcd 0100 0001 0000 0000 0000 c00c 0001 0001',
    'a name that leads forward': 'abcd 0100 0001 0000 0000 0000 c00e 0161 00 0001 0001',
    'a label of another kind': 'abcd 0100 0001 0000 0000 0000 4161 00 0001 0001',
    'no type': `abcd 0100 0001 0000 0000 0000 ${label('www')}00`,
    'too many labels': `abcd 0100 0001 0000 0000 0000 ${'0161'.repeat(200)}00 0001 0001`,
  };
  for (const [what, text] of Object.entries(bad)) assert.throws(() => readQuery(hex(text)), MalformedMessage, what);
});

test('only questions have an id to be answered', () => {
  assert.equal(queryId(hex('abcd 0100')), undefined);
  assert.equal(queryId(hex('abcd 8100 0001 0000 0000 0000')), undefined);
  assert.equal(queryId(hex('abcd 0100 0001 0000 0000 0000')), 0xabcd);
  assert.equal(isStandardQuery(hex('abcd 2800 0001 0000 0000 0000')), false);
});

test('an answer: aliases and addresses, by compressed names, among records of other kinds', () => {
  const reply = hex(`
    0007 8180 0001 0005 0000 0001 ${question}
    c00c 0005 0001 0000003c 0007 ${label('edge')} c010
    c00c 0010 0001 0000003c 0003 026869
    c02d 0001 0001 ffffffff 0004 c6336401
    c02d 0001 0001 0000000a 0004 c6336402
    c02d 0001 0003 0000000a 0004 c6336403
    00 0029 04d0 00000000 0000`);
  assert.deepEqual(readResponse(reply, 7, asked), {
    code: 0,
    truncated: false,
    records: [
      { kind: 'alias', name: 'www.example.com', ttlSeconds: 60, target: 'edge.example.com' },
      { kind: 'address', name: 'edge.example.com', ttlSeconds: 0, address: 0xc633_6401 },
      { kind: 'address', name: 'edge.example.com', ttlSeconds: 10, address: 0xc633_6402 },
    ],
  });
});

test('the answer to something else is none', () => {
  const reply = (id: string, flags: string, body: string): Buffer => hex(`${id} ${flags} 0001 0000 0000 0000 ${body}`);
  assert.equal(readResponse(reply('0007', '8183', question), 7, asked).code, ResponseCode.noSuchName);
  const other = `${label('evil')}${label('test')}00 0001 0001`;
  for (const bytes of [reply('0008', '8180', question), reply('0007', '0180', question), reply('0007', '8180', other), reply('0007', '8180', question.replace(/0001 0001$/, '001c 0001')), hex('0007 8180')]) {
    assert.throws(() => readResponse(bytes, 7, asked), MalformedMessage);
  }
});

test('an answer that is cut off is refused, or says so itself', () => {
  const whole = `0007 8180 0001 0001 0000 0000 ${question} c00c 0001 0001 0000003c 0004 c6336401`;
  const bytes = hex(whole);
  for (let length = 0; length < bytes.length; length++) assert.throws(() => readResponse(bytes.subarray(0, length), 7, asked), MalformedMessage, String(length));
  assert.deepEqual(readResponse(hex(whole.replace('8180', '8380')), 7, asked), { code: 0, truncated: true, records: [] });
});

test('what is written can be read', () => {
  const query = readQuery(writeQuery(0x1234, 'a.example.com'));
  assert.deepEqual(query.question, { name: 'a.example.com', type: RecordType.a, class: classInternet });
  const records: DnsRecord[] = [
    { kind: 'alias', name: 'a.example.com', ttlSeconds: 5, target: 'b.example.net' },
    { kind: 'address', name: 'b.example.net', ttlSeconds: 3600, address: 0xc000_0201 },
  ];
  assert.deepEqual(readResponse(writeReply(query, 0, records, 'udp'), 0x1234, query.question).records, records);
});

test('a reply gives the question back as it came, and EDNS only to who has it', () => {
  const plain = readQuery(hex(`abcd 0100 0001 0000 0000 0000 ${question}`));
  assert.equal(writeReply(plain, ResponseCode.noSuchName, [], 'udp').toString('hex'), hex(`abcd 8183 0001 0000 0000 0000 ${question}`).toString('hex'));
  const modern = readQuery(hex(`abcd 0000 0001 0000 0000 0001 ${question} 00 0029 1000 00000000 0000`));
  assert.equal(writeReply(modern, 0, [], 'udp').toString('hex'), hex(`abcd 8080 0001 0000 0000 0001 ${question} 00 0029 04d0 00000000 0000`).toString('hex'));
  assert.equal(writeRefusal(0xabcd, ResponseCode.formatError).toString('hex'), 'abcd80010000000000000000');
});

test('what does not fit into a datagram is asked for again by TCP', () => {
  const query = readQuery(hex(`abcd 0100 0001 0000 0000 0000 ${question}`));
  const records = Array.from({ length: 40 }, (_, index): DnsRecord => ({ kind: 'address', name: 'www.example.com', ttlSeconds: 1, address: 0xc633_6400 + index }));
  const reply = writeReply(query, 0, records, 'udp');
  assert.ok(reply.length <= 512);
  assert.deepEqual(readResponse(reply, 0xabcd, asked), { code: 0, truncated: true, records: [] });
  assert.equal(readResponse(writeReply(query, 0, records, 'tcp'), 0xabcd, asked).records.length, 40);
});

test('whatever bytes come, they are read or refused', () => {
  const seeds = [hex(`abcd 0100 0001 0000 0000 0001 ${question} 00 0029 1000 00000000 0000`), hex(`0007 8180 0001 0002 0000 0000 ${question} c00c 0005 0001 0000003c 0002 c010 c00c 0001 0001 0000003c 0004 c6336401`)];
  for (let round = 0; round < 40_000; round++) {
    const seed = seeds[round % seeds.length]!;
    const bytes = round % 5 === 0 ? randomBytes(randomInt(64)) : Buffer.from(seed.subarray(0, randomInt(4) === 0 ? randomInt(seed.length) : seed.length));
    for (let change = randomInt(4); change > 0 && bytes.length > 0; change--) bytes[randomInt(bytes.length)] = randomInt(4) === 0 ? 0xc0 : randomInt(256);
    for (const read of [() => readQuery(bytes), () => readResponse(bytes, 7, asked)]) {
      try {
        read();
      } catch (error) {
        assert.ok(error instanceof MalformedMessage, `${bytes.toString('hex')}: ${String(error)}`);
      }
    }
  }
});
