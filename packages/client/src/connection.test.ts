import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Type } from 'warden-protocol';
import { WardenClient } from './client.js';
import { FakeServer } from './testing/fake-server.js';

it('output stays what it was when the program has exceptions that only a listener of uncaughtException catches', async (context) => {
  const pieces = Array.from({ length: 200 }, (_, index) => Buffer.alloc(20_000, index));
  const server = await FakeServer.listen({ [Type.Stream]: async function* () {
    for (const data of pieces) yield { name: 'stdout', data };
    yield { exitStatus: 0 };
  } });
  const client = await WardenClient.connect({ path: server.path });
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', () => undefined);
  context.after(async () => {
    process.removeAllListeners('uncaughtException');
    for (const listener of others) process.on('uncaughtException', listener);
    await client.close();
    await server[Symbol.asyncDispose]();
  });
  const seen: Uint8Array[] = [];
  const { exitStatus } = await client.requestEach(Type.Stream, { handle: 'h', jobId: 1 }, ({ data }) => {
    if (data !== undefined) seen.push(data);
    process.nextTick(() => { throw new Error('of another part of the program'); });
  });
  assert.equal(exitStatus, 0);
  assert.ok(Buffer.concat(seen).equals(Buffer.concat(pieces)));
});
