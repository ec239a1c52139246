/* The v1 mode: commands as lists of words, plain values back. The clients translate it (docs/adr/0023-v1-mode.md), so any server serves it. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WardenClient, type V1Command, type V1StreamValue, type V1Value } from 'warden-client';
import { happened, testWith, useAnyServer } from '../../harness/any-server.js';

const server = useAnyServer();
type Call = (...command: V1Command) => Promise<V1Value>;

/** With a container that create has made, which is destroyed whatever happens. */
async function withContainer(work: (call: Call, handle: string, client: WardenClient) => Promise<void>): Promise<void> {
  const client = await WardenClient.connect({ path: server.socket });
  const call: Call = (...command) => client.v1(command);
  try {
    const handle = await call('create', { grace_time: 300 });
    assert.ok(typeof handle === 'string');
    try {
      assert.match(handle, /^[0-9a-v]{11}$/);
      await work(call, handle, client);
    } finally {
      assert.equal(await call('destroy', handle), 'ok');
    }
    assert.equal(await client.v1(['info', handle]).catch((error: Error) => error.message), 'unknown handle');
  } finally {
    await client.close();
  }
}

test('ping, echo, list, stop, and a command that is none', () => withContainer(async (call, handle) => {
  assert.equal(await call('ping'), 'pong');
  assert.equal(await call('echo', 'ünï'), 'ünï');
  const handles = await call('list');
  assert.ok(Array.isArray(handles) && handles.includes(handle));
  assert.equal(await call('stop', handle), 'ok');
  await assert.rejects(call('nonsense', handle), /Unknown command: nonsense/);
}));

test('run, spawn and link, stream', () => withContainer(async (call, handle, client) => {
  assert.deepEqual(await call('run', handle, 'echo out; echo err >&2; exit 3'), [3, 'out\n', 'err\n']);
  const jobId = await call('spawn', handle, 'echo x; exit 4');
  assert.ok(typeof jobId === 'number');
  assert.deepEqual(await call('link', handle, jobId), [4, 'x\n', '']);
  const pieces: V1StreamValue[] = [];
  const streamed = await call('spawn', handle, 'echo out; exit 5');
  await client.v1(['stream', handle, streamed as number], { onPiece: (piece) => pieces.push(piece) });
  assert.deepEqual(pieces.filter(([name]) => name !== null && name !== '').map(([name, data]) => [name, data]), [['stdout', 'out\n']]);
  assert.equal(pieces.at(-1)?.[2], 5);
}));

test('info is a hash by the names of the protocol', () => withContainer(async (call, handle) => {
  const info = await call('info', handle);
  assert.ok(typeof info === 'object' && info !== null && !Array.isArray(info));
  const { state, events, container_path: path } = info as { readonly [name: string]: V1Value };
  assert.deepEqual([state, happened({ events: events as string[] })], ['active', []]);
  assert.match(String(path), /^\//);
}));

test('net in gives both ports', () => withContainer(async (call, handle) => {
  const ports = await call('net', handle, 'in') as { readonly [name: string]: V1Value };
  assert.deepEqual(Object.keys(ports).sort(), ['container_port', 'host_port']);
  assert.equal(ports['container_port'], ports['host_port']);
}));

testWith(['network'], 'net out, with and without a port', () => withContainer(async (call, handle) => {
  assert.equal(await call('net', handle, 'out', '192.0.2.0/24:80'), 'ok');
  assert.equal(await call('net', handle, 'out', '192.0.2.1'), 'ok');
}));

testWith(['memory'], 'limit mem', () => withContainer(async (call, handle) => {
  assert.equal(BigInt(await call('limit', handle, 'mem') as number), 9223372036854771712n);
  assert.equal(await call('limit', handle, 'mem', 64 * 1024 * 1024), 64 * 1024 * 1024);
}));

testWith(['disk'], 'limit disk', () => withContainer(async (call, handle) => {
  assert.equal(await call('limit', handle, 'disk', 10 * 1024 * 1024), 10 * 1024 * 1024);
}));

testWith(['bandwidth'], 'limit bandwidth', () => withContainer(async (call, handle) => {
  assert.match(String(await call('limit', handle, 'bandwidth', 1_000_000, 100_000)), /^rate: 1000000 burst: (?:100000|99\d\d\d)$/);
}));

testWith(['files'], 'copy in and out', () => withContainer(async (call, handle) => {
  const directory = join(server.directory, server.name('v1'));
  mkdirSync(directory);
  writeFileSync(join(directory, 'in'), 'text');
  assert.equal(await call('copy', handle, 'in', join(directory, 'in'), 'file'), 'ok');
  assert.equal(await call('copy', handle, 'out', 'file', join(directory, 'out')), 'ok');
  assert.equal(readFileSync(join(directory, 'out'), 'utf8'), 'text');
}));
