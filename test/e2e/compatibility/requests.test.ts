/* ping, echo, list, the order of replies, fields that are not known, bytes that are no frame, and requests that are refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, ERROR_TYPE, errorSchema, frame, lengthDelimited, operations, varint } from '../../harness/wire.js';
import { withDeadline } from '../../harness/wait.js';
import { refused, testWith, useAnyServer } from '../../harness/any-server.js';

const server = useAnyServer();

test('ping is answered by an empty message of its type', async () => {
  const client = await server.connect();
  client.write(frame(operations.ping.type, Buffer.alloc(0)));
  const reply = await client.reply();
  assert.deepEqual({ type: reply.type, length: reply.payload.length }, { type: 91, length: 0 });
});

test('echo returns any text unchanged', async () => {
  const client = await server.connect();
  for (const message of ['', 'hello', 'ä€😀', 'a\0b\r\n', 'x'.repeat(1 << 20)]) {
    assert.equal(await client.echo(message), message);
  }
});

test('list names the live containers of all connections, and no others', async () => {
  const { client, handle } = await server.container({ handle: server.name('one') });
  const other = await server.connect();
  const second = await server.container();
  const listed = async (): Promise<string[]> => (await other.list()).filter((each) => each === handle || each === second.handle).sort();
  assert.deepEqual(await listed(), [handle, second.handle].sort());
  await client.destroy(handle);
  assert.deepEqual(await listed(), [second.handle]);
  await other.destroy(second.handle);
  assert.deepEqual(await listed(), []);
});

test('pipelined requests are answered in their order, slow ones before the quick ones behind them', async () => {
  const { client, handle } = await server.container();
  const order: string[] = [];
  const note = (name: string) => (): void => { order.push(name); };
  await Promise.all([
    client.echo('first').then(note('first')),
    client.run(handle, 'sleep 0.2').then(note('run')),
    client.ping().then(note('ping')),
    client.info(handle).then(note('info')),
    client.echo('last').then(note('last')),
  ]);
  assert.deepEqual(order, ['first', 'run', 'ping', 'info', 'last']);
  assert.deepEqual(client.unexpected, []);
});

test('a thousand pipelined pings and echoes come back in order', async () => {
  const client = await server.connect();
  const answers = await Promise.all(Array.from({ length: 1000 }, (_, index) => index % 2 === 0 ? client.ping().then(() => '') : client.echo(`${index}`)));
  assert.deepEqual(answers, Array.from({ length: 1000 }, (_, index) => index % 2 === 0 ? '' : `${index}`));
});

test('a request split at every byte is understood', async () => {
  const client = await server.connect();
  client.socket.setNoDelay(true);
  const bytes = frame(operations.echo.type, Buffer.from('0a0474657374', 'hex'));
  for (let cut = 1; cut < bytes.length; cut++) {
    const reply = client.reply();
    client.write(bytes.subarray(0, cut));
    await (await server.connect()).ping();
    client.write(bytes.subarray(cut));
    assert.equal((await reply).payload.toString('hex'), '0a0474657374');
  }
});

test('one connection waits for its slow request alone', async () => {
  const { client, handle } = await server.container();
  const slow = client.run(handle, 'mkfifo p; read x < p; echo "$x"');
  const other = await server.connect();
  await other.ping();
  assert.equal((await other.info(handle)).state, 'active');
  // The open of a FIFO waits for its other side: the second job is the event that ends the first.
  assert.equal((await other.run(handle, 'until [ -p p ]; do :; done; echo go > p')).status, 0);
  assert.equal((await slow).stdout, 'go\n');
});

test('a request that is refused leaves the connection as it was', async () => {
  const { client, handle } = await server.container();
  await client.stop(handle);
  await refused(client.run(handle, 'true'), 'wrong_state', /^Container state must be one of 'active', current state is 'stopped'$/);
  await refused(client.info(server.name('nobody')), 'not_found', /^unknown handle$/);
  await client.ping();
  assert.equal((await client.info(handle)).state, 'stopped');
});

testWith(['better'], 'an error reply is a message of type 1 that carries the code in its data field', async () => {
  const client = await server.connect();
  client.write(frame(operations.info.type, Buffer.from('0a046e6f6e65', 'hex')));
  const reply = await client.reply();
  assert.equal(reply.type, ERROR_TYPE);
  assert.deepEqual(decode(errorSchema, reply.payload), { message: 'unknown handle', data: 'not_found', backtrace: [] });
});

test('fields that a server does not know are passed over', async () => {
  const client = await server.connect();
  const payload = Buffer.concat([lengthDelimited(1, Buffer.from('hi')), lengthDelimited(9_000, Buffer.from('new')), varint(9_001 << 3), varint(7)]);
  client.write(frame(operations.echo.type, payload));
  assert.equal((await client.reply()).payload.toString('hex'), '0a026869');
});

test('text that is no UTF-8 is an error or is returned, and never the end of the server', async () => {
  const client = await server.connect();
  client.write(frame(operations.echo.type, lengthDelimited(1, Buffer.from([0xff, 0xfe]))));
  await client.reply().catch(() => undefined);
  await (await server.connect()).ping();
});

testWith(['better'], 'a required field that is missing is an error that names it, and the connection goes on', async () => {
  const client = await server.connect();
  for (const [type, field] of [[operations.echo.type, /message/], [operations.info.type, /handle/], [operations.destroy.type, /handle/], [operations.link.type, /handle/]] as const) {
    client.write(frame(type, Buffer.alloc(0)));
    const reply = await client.reply();
    assert.equal(reply.type, ERROR_TYPE);
    assert.match(String(decode(errorSchema, reply.payload)['message']), field);
  }
  await client.ping();
});

testWith(['better'], 'bytes that are no frame close their connection, after what was asked before, and no other', async () => {
  const honest = await server.connect();
  const ping = frame(operations.ping.type, Buffer.alloc(0));
  for (const bytes of ['-5\r\n', '0x10\r\n', '1_000\r\n', '012\r\n', '+5\r\n', ' 5\r\n', '\r\n', '123456789\r\n', `${16 * 1024 * 1024 + 1}\r\n`, '4\n', '1'.repeat(100), 'GET / HTTP/1.1\r\n']) {
    const client = await server.connect();
    const reply = client.reply();
    client.write(Buffer.concat([ping, Buffer.from(bytes)]));
    assert.equal((await reply).type, operations.ping.type, bytes);
    await withDeadline(client.closed(), 3_000, `closing after ${JSON.stringify(bytes.slice(0, 20))}`);
    assert.deepEqual(client.unexpected, []);
  }
  await honest.ping();
});

test('a connection that ends in the middle of a frame harms nobody', async () => {
  const client = await server.connect();
  client.write('100\r\nhalf');
  client.socket.end();
  await (await server.connect()).ping();
});
