/* ping, echo, list, the order of replies, and requests that are refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, ERROR_TYPE, errorSchema, frame, operations } from '../harness/wire.js';
import { refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();

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

test('list names the live containers of all connections, and is empty without any', async () => {
  const { client, handle } = await server.container({ handle: 'one' });
  const other = await server.connect();
  assert.deepEqual(await other.list(), [handle]);
  const second = await server.container();
  assert.deepEqual((await other.list()).sort(), [handle, second.handle].sort());
  await client.destroy(handle);
  assert.deepEqual(await other.list(), [second.handle]);
  await other.destroy(second.handle);
  assert.deepEqual(await other.list(), []);
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
  await refused(client.run(handle, 'true', { log_tag: 'a b' }), 'invalid_argument', /log_tag/);
  await client.ping();
});

test('an error reply is a message of type 1 that carries the code in its data field', async () => {
  const client = await server.connect();
  client.write(frame(operations.info.type, Buffer.from('0a046e6f6e65', 'hex')));
  const reply = await client.reply();
  assert.equal(reply.type, ERROR_TYPE);
  assert.deepEqual(decode(errorSchema, reply.payload), { message: 'unknown handle', data: 'not_found', backtrace: [] });
});
