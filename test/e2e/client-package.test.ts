/* The same server through packages/client: the API that a TypeScript developer uses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WardenClient, WardenError } from 'warden-client';
import { useServer } from '../harness/fixture.js';

const server = useServer();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

async function withClient(work: (client: WardenClient) => Promise<void>): Promise<void> {
  const client = await WardenClient.connect({ path: server.paths.socket });
  try {
    await work(client);
  } finally {
    await client.close();
  }
}

test('create, run, info, list, stop and destroy', async () => {
  await withClient(async (client) => {
    const { handle } = await client.create({ handle: 'from-the-package' });
    assert.equal(handle, 'from-the-package');
    const result = await client.run({ handle, script: 'echo out; echo err >&2; exit 4' });
    assert.deepEqual([result.exitStatus, text(result.stdout), text(result.stderr)], [4, 'out\n', 'err\n']);
    assert.equal(result.info?.state, 'active');
    const info = await client.info({ handle });
    assert.equal(info.containerIp, result.info?.containerIp);
    assert.deepEqual((await client.list()).handles, [handle]);
    await client.stop({ handle });
    assert.equal((await client.info({ handle })).state, 'stopped');
    await client.destroy({ handle });
    assert.deepEqual((await client.list()).handles, []);
  });
});

test('a stream is read as it comes, with both streams in order', async () => {
  await withClient(async (client) => {
    const { handle } = await client.create();
    const { jobId } = await client.spawn({ handle, script: 'for i in 1 2 3; do echo $i; echo $i >&2; done; exit 2' });
    const stream = client.stream({ handle, jobId });
    const seen: string[] = [];
    for await (const { name, data } of stream) seen.push(`${name} ${text(data)}`);
    assert.deepEqual(seen, ['stdout 1\n', 'stderr 1\n', 'stdout 2\n', 'stderr 2\n', 'stdout 3\n', 'stderr 3\n']);
    assert.equal((await stream.result()).exitStatus, 2);
  });
});

test('errors carry code and text', async () => {
  await withClient(async (client) => {
    await assert.rejects(client.info({ handle: 'nobody' }), (error) => error instanceof WardenError && error.code === 'not_found' && error.message === 'unknown handle');
    await assert.rejects(client.create({ handle: '' }), (error) => error instanceof WardenError && error.code === 'invalid_argument');
    await client.ping();
  });
});

test('a call that is given up leaves the server as it was', async () => {
  await withClient(async (client) => {
    const { handle } = await client.create();
    await assert.rejects(client.run({ handle, script: 'sleep 1000' }, { timeoutMs: 200 }), (error) => error instanceof WardenError && error.code === 'timeout');
    await client.stop({ handle, kill: true });
    assert.deepEqual((await client.info({ handle })).jobIds, []);
  });
});

test('large binary output is exact', async () => {
  await withClient(async (client) => {
    const { handle } = await client.create();
    const { stdout } = await client.run({ handle, script: 'head -c 5000000 /dev/zero | tr "\\0" "\\377"' });
    assert.equal(stdout.length, 5_000_000);
    assert.ok(stdout.every((byte) => byte === 255));
  });
});
