/* Bytes that are no frame close their connection and no other; requests that are no request get an error. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decode, ERROR_TYPE, errorSchema, frame, lengthDelimited, operations, rawFrame, varint } from '../harness/wire.js';
import { useServer } from '../harness/fixture.js';
import { withDeadline } from '../harness/wait.js';

const server = useServer();
const ping = frame(operations.ping.type, Buffer.alloc(0));
const text = (bytes: Buffer): string => bytes.toString('latin1');

/** The server closes the connection that sent `bytes`, answers nothing on it, logs one line, and serves others. */
async function closesOnly(bytes: Buffer | string): Promise<void> {
  const [offender, honest] = [await server.connect(), await server.connect()];
  const linesBefore = server.daemon.log.split('\n').length;
  offender.write(bytes);
  await withDeadline(offender.closed(), 3_000, `closing after ${JSON.stringify(bytes.slice(0, 40).toString())}`);
  assert.deepEqual(offender.unexpected, []);
  await honest.ping();
  await (await server.connect()).ping();
  const lines = readFileSync(server.paths.log, 'utf8').split('\n').slice(linesBefore - 1).filter((line) => /warn|error|"level":[45]0|protocol/i.test(line));
  assert.equal(lines.length, 1, lines.join('\n'));
}

const malformedLengths = ['-5', '0x10', '1_000', '012', '00', '123456789', '99999999', '+5', ' 5', '5 ', '', '5a', '1e1', '٥', '\0'];
for (const length of malformedLengths) {
  test(`a length of ${JSON.stringify(length)} closes the connection`, async () => {
    await closesOnly(`${length}\r\n${'x'.repeat(16)}\r\n`);
  });
}

test('a length that ends in LF alone, or never ends, closes the connection', async () => {
  await closesOnly('4\n\x08\x5b\x12\x00\r\n');
  await closesOnly('1'.repeat(100));
});

test('a payload that is not followed by CR LF closes the connection', async () => {
  await closesOnly(text(ping).replace(/\r\n$/, 'xx'));
});

test('a frame above the maximum is refused at its length, before its bytes', async () => {
  await closesOnly(`${16 * 1024 * 1024 + 1}\r\n`);
});

test('the largest frame is served', async () => {
  const client = await server.connect();
  const overhead = 20;
  const message = 'y'.repeat(16 * 1024 * 1024 - overhead);
  assert.equal((await client.echo(message)).length, message.length);
});

test('a truncated message closes the connection', async () => {
  for (const hex of ['08', '085b12', '085b1205aa', '085b12ff', '08ffffffffffffffffffff01', '0d5b', '0b']) await closesOnly(rawFrame(Buffer.from(hex, 'hex')));
});

test('an unknown type closes the connection', async () => {
  for (const type of [0, 2, 13_000, 4_294_967_295]) await closesOnly(frame(type, Buffer.alloc(0)));
  await closesOnly(frame(ERROR_TYPE, Buffer.alloc(0)));
});

test('a message without type or payload closes the connection', async () => {
  await closesOnly(rawFrame(Buffer.alloc(0)));
  await closesOnly(rawFrame(lengthDelimited(2, Buffer.alloc(0))));
});

test('a missing required field is an error that names it, and the connection goes on', async () => {
  const client = await server.connect();
  const cases: [type: number, payload: Buffer, names: RegExp][] = [
    [operations.echo.type, Buffer.alloc(0), /message/], [operations.info.type, Buffer.alloc(0), /handle/],
    [operations.destroy.type, Buffer.alloc(0), /handle/], [operations.stop.type, Buffer.alloc(0), /handle/],
    [operations.run.type, lengthDelimited(1, Buffer.from('x')), /script/], [operations.spawn.type, lengthDelimited(2, Buffer.from('x')), /handle/],
    [operations.link.type, lengthDelimited(1, Buffer.from('x')), /job_id|jobId/], [operations.stream.type, Buffer.alloc(0), /handle/],
  ];
  for (const [type, payload, names] of cases) {
    client.write(frame(type, payload));
    const reply = await client.reply();
    assert.equal(reply.type, ERROR_TYPE);
    const { message, data } = decode(errorSchema, reply.payload);
    assert.match(String(message), names);
    assert.equal(data, 'invalid_argument');
  }
  await client.ping();
});

test('unknown fields of a request are passed over', async () => {
  const client = await server.connect();
  const payload = Buffer.concat([lengthDelimited(1, Buffer.from('hi')), lengthDelimited(1000, Buffer.from('new')), varint(1001 << 3), varint(7)]);
  client.write(frame(operations.echo.type, payload));
  assert.equal((await client.reply()).payload.toString('hex'), '0a026869');
});

test('requests before the bad frame are answered', async () => {
  const client = await server.connect();
  const reply = client.reply();
  client.write(Buffer.concat([ping, Buffer.from('-5\r\n')]));
  assert.equal((await reply).type, operations.ping.type);
  await withDeadline(client.closed(), 3_000, 'closing');
});

test('a payload that is no message of its type is an error or closes, and nobody else notices', async () => {
  const honest = await server.connect();
  for (const hex of ['ff', '0a', '0a05', '0aff', '0affffffffffffffffff01', '0c', '0d00', '1001', '08'.repeat(1000), '0b'.repeat(100_000)]) {
    for (const type of [operations.create.type, operations.run.type, operations.echo.type]) {
      const client = await server.connect();
      client.write(frame(type, Buffer.from(hex, 'hex')));
      const outcome = await withDeadline(Promise.race([client.reply().then(({ type: kind }) => kind), client.closed().then(() => 'closed')]).catch(() => 'closed'), 3_000, 'an answer');
      if (outcome !== 'closed') assert.ok(outcome === ERROR_TYPE || outcome === operations.create.type, `${hex.slice(0, 20)}: ${outcome}`);
      await honest.ping();
    }
  }
});

test('ten thousand random frames hurt nobody', async () => {
  const honest = await server.connect();
  let seed = 20_120_101;
  const random = (limit: number): number => {
    // xorshift32: the same frames in every run.
    seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5;
    return (seed >>> 0) % limit;
  };
  const harmless = [operations.ping.type, operations.list.type, operations.echo.type, operations.info.type, operations.link.type, operations.stream.type];
  for (let batch = 0; batch < 100; batch++) {
    const client = await server.connect();
    for (let index = 0; index < 100; index++) {
      const bytes = frame(harmless[random(harmless.length)] ?? 91, Buffer.from(Array.from({ length: random(30) }, () => random(256))));
      if (random(4) === 0) bytes[random(bytes.length)] = random(256);
      client.write(bytes);
    }
    client.socket.end();
    client.socket.resume();
    await withDeadline(client.closed(), 5_000, 'end of a connection of random frames');
    await honest.ping();
  }
});
