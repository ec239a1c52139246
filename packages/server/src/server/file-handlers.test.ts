import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { encodeFrame, encodeRequest, FrameDecoder, Type, WardenError, type RequestInit } from 'warden-protocol';
import type { RecordingMonitor } from '../container/recording-monitor.js';
import type { RecordingTransfer } from '../container/recording-transfer.js';
import type { FileEntry } from '../container/files.js';
import { TestServer, type TestClient } from './test-server.js';

let server: TestServer;
let client: TestClient;
let monitor: RecordingMonitor;

beforeEach(async () => {
  server = new TestServer();
  await server.listener.listen();
  const container = await server.scene.create({ handle: 'demo' });
  const living = server.scene.host.living.get(container.id);
  assert.ok(living !== undefined);
  monitor = living;
  client = await server.connect();
});

afterEach(() => server.close());

const place = { handle: 'demo', path: Buffer.from('dir/f') };
const entry: FileEntry = { name: undefined, kind: 'file', mode: 0o640, uid: 1, gid: 2, sizeInBytes: 5n, modifiedNs: 3n, hardLinks: 1, target: undefined };

/** Lets the server see what was sent. */
async function turns(): Promise<void> {
  for (let count = 0; count < 20; count++) await new Promise((resolve) => setImmediate(resolve));
}

/** What a request has begun. */
async function begun<T extends Parameters<TestClient['send']>[0]>(type: T, request: RequestInit<T>): Promise<RecordingTransfer> {
  const before = monitor.transfers.length;
  client.responses.length = 0;
  client.send(type, request);
  await turns();
  const transfer = monitor.transfers[before];
  assert.ok(transfer !== undefined, 'nothing was begun');
  return transfer;
}

/** The answers, once there are so many; bytes as text. */
async function answers(count: number): Promise<object[]> {
  await client.until(() => client.responses.length >= count || client.closed);
  return client.responses.map(({ response }) => Object.fromEntries(Object.entries(response).filter(([key, value]) => !key.startsWith('$') && value !== undefined)
    .map(([key, value]) => [key, value instanceof Uint8Array ? Buffer.from(value).toString() : value])));
}

test('a file is read as an entry, content, and an end', async () => {
  const transfer = await begun(Type.ReadFile, { ...place, user: 'root', offset: 1n, length: 4n });
  assert.deepEqual([transfer.order.operation, Buffer.from(transfer.order.path).toString(), transfer.order.position, transfer.order.length], ['read', 'dir/f', 1n, 4n]);
  transfer.sink.entries([entry]);
  transfer.sink.content(Buffer.from('conte'));
  transfer.sink.content(Buffer.from('nt'));
  transfer.end({ length: 7n });
  const [first, ...rest] = await answers(4);
  assert.deepEqual([(first as { entry: FileEntry }).entry.sizeInBytes, (first as { entry: FileEntry }).entry.mode], [5n, 0o640]);
  assert.deepEqual(rest.map((each) => ({ ...each, notes: undefined, entry: undefined })), [
    { data: 'conte', notes: undefined, entry: undefined }, { data: 'nt', notes: undefined, entry: undefined }, { last: true, notes: undefined, entry: undefined },
  ]);
});

test('a client that goes gives its transfer up', async () => {
  const transfer = await begun(Type.ReadFile, place);
  client.socket.destroy();
  await client.until(() => client.closed);
  await turns();
  assert.ok(transfer.abandoned);
});

test('a file is written in one request', async () => {
  const transfer = await begun(Type.WriteFile, { ...place, mode: 0o600, data: Buffer.from('text') });
  assert.deepEqual([transfer.order.operation, transfer.order.mode, Buffer.from(transfer.order.content ?? []).toString()], ['write', 0o600, 'text']);
  assert.deepEqual(transfer.order.flags?.filter((flag) => flag !== undefined), ['create', 'truncate']);
  transfer.end({ length: 4n });
  assert.deepEqual(await answers(1), [{ sizeInBytes: 4n }]);
  for (const [request, flags] of [[{ append: true }, ['create', 'append']], [{ offset: 5n }, ['create']], [{ exclusive: true }, ['create', 'exclusive', 'truncate']]] as const) {
    const other = await begun(Type.WriteFile, { ...place, ...request });
    assert.deepEqual([other.order.flags?.filter((flag) => flag !== undefined), other.order.position], [flags, 'offset' in request ? 5n : undefined]);
    other.end({ length: 0n });
    await answers(1);
  }
});

test('a file is written in pieces of the same connection', async () => {
  const transfer = await begun(Type.WriteFile, { ...place, data: Buffer.from('a'), transferId: 9 });
  assert.equal(transfer.order.content, undefined);
  transfer.open();
  assert.deepEqual(await answers(1), [{}]);
  const stranger = await server.connect();
  const { response } = await stranger.call(Type.TransferData, { transferId: 9, data: Buffer.from('of another') });
  assert.match((response as { message: string }).message, /no transfer 9/);
  assert.match(((await client.call(Type.WriteFile, { ...place, transferId: 9 })).response as { message: string }).message, /has a transfer 9 already/);
  await client.call(Type.TransferData, { transferId: 9, data: Buffer.from('b') });
  client.responses.length = 0;
  client.send(Type.TransferData, { transferId: 9, data: Buffer.from('c'), last: true });
  await turns();
  assert.deepEqual([Buffer.concat(transfer.written).toString(), transfer.finished, client.responses.length], ['abc', true, 0]);
  transfer.end({ length: 3n });
  assert.deepEqual(await answers(1), [{ sizeInBytes: 3n, notes: [] }]);
  assert.match(((await client.call(Type.TransferData, { transferId: 9 })).response as { message: string }).message, /no transfer 9/);
});

test('the memory of a piece is used for the next when it was taken, and never before', async () => {
  const transfer = await begun(Type.WriteFile, { ...place, transferId: 3 });
  const [seen, giveBacks]: [Uint8Array[], (() => void)[]] = [[], []];
  transfer.write = async (data, taken) => {
    seen.push(data);
    if (taken !== undefined) giveBacks.push(taken);
  };
  transfer.open();
  await answers(1);
  for (const letter of ['a', 'b', 'c']) {
    await client.call(Type.TransferData, { transferId: 3, data: Buffer.alloc(256 * 1024, letter) });
    if (letter !== 'a') giveBacks.at(-1)?.();
  }
  const [a, b, c] = seen.slice(-3);
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  assert.deepEqual([a.buffer === b.buffer, b.buffer === c.buffer], [false, true]);
  assert.deepEqual([Buffer.from(a).equals(Buffer.alloc(256 * 1024, 'a')), Buffer.from(c).equals(Buffer.alloc(256 * 1024, 'c'))], [true, true]);
});

test('what a request has beside its content does not wait for the container', async () => {
  const transfer = await begun(Type.WriteFile, { ...place, transferId: 3 });
  const seen: Uint8Array[] = [];
  transfer.write = async (data) => void seen.push(data);
  transfer.open();
  await answers(1);
  const decoder = new FrameDecoder();
  decoder.push(encodeRequest(Type.TransferData, { transferId: 3, data: Buffer.from('content') }));
  // The field 15, which nobody knows, of three bytes of length and so many bytes.
  const unknown = Buffer.concat([Buffer.from([0x7a, 0x80, 0x80, 0xc0, 0x01]), Buffer.alloc(3 << 20)]);
  client.responses.length = 0;
  client.socket.write(encodeFrame(Buffer.concat([decoder.next() ?? assert.fail('no frame'), unknown])));
  assert.deepEqual(await answers(1), [{ notes: [] }]);
  const content = seen.at(-1) ?? assert.fail('nothing was written');
  assert.equal(Buffer.from(content).toString(), 'content');
  assert.ok(content.buffer.byteLength < 1 << 20, `${content.buffer.byteLength} bytes wait`);
});

test('what went wrong is told with the next piece, and a transfer can be given up', async () => {
  const first = await begun(Type.WriteFile, { ...place, transferId: 1 });
  first.open();
  await answers(1);
  first.fail(new WardenError('exhausted', 'the disk is full'));
  assert.equal(((await client.call(Type.TransferData, { transferId: 1, data: Buffer.from('x') })).response as { message: string }).message, 'the disk is full');
  const second = await begun(Type.TarIn, { ...place, transferId: 1, keepSetid: true });
  second.open();
  await answers(1);
  assert.deepEqual([second.order.operation, second.order.flags?.filter((flag) => flag !== undefined)], ['tarIn', ['keepSetid']]);
  assert.equal((await client.call(Type.TransferData, { transferId: 1, abandon: true })).type, Type.TransferData);
  assert.ok(second.abandoned);
  const third = await begun(Type.TarIn, { ...place, transferId: 1 });
  third.fail(new WardenError('not_found', 'no such directory'));
  await answers(1);
  assert.match(((await client.call(Type.TransferData, { transferId: 1 })).response as { message: string }).message, /no transfer 1/, 'one that did not begin is none');
});

test('the end of a connection gives up what it has begun', async () => {
  const transfer = await begun(Type.TarIn, { ...place, transferId: 1 });
  transfer.open();
  await answers(1);
  client.socket.destroy();
  await client.until(() => client.closed);
  await turns();
  assert.ok(transfer.abandoned);
});

test('an archive comes in pieces, with what was left out of it', async () => {
  const transfer = await begun(Type.TarOut, { ...place, name: Buffer.from('new') });
  assert.deepEqual([transfer.order.operation, Buffer.from(transfer.order.target ?? []).toString()], ['tarOut', 'new']);
  transfer.sink.content(Buffer.from('archive'));
  transfer.end({ entries: 2n, notes: ['a FIFO: left out'] });
  assert.deepEqual(await answers(2), [{ data: 'archive', notes: [] }, { last: true, entries: 2n, notes: ['a FIFO: left out'] }]);
});

test('a list comes in pages, and says when there is more', async () => {
  const transfer = await begun(Type.ListFiles, { ...place, limit: 3n });
  assert.equal(transfer.order.entryLimit, 3n);
  transfer.sink.entries([{ ...entry, name: Buffer.from('a') }, { ...entry, name: Buffer.from('b') }]);
  transfer.sink.entries([{ ...entry, name: Buffer.from('c') }]);
  transfer.end({ more: true });
  const pages = await answers(3) as { entries: { name: Uint8Array }[]; last?: boolean; more?: boolean }[];
  assert.deepEqual(pages.map(({ entries, last, more }) => [entries.map(({ name }) => Buffer.from(name).toString()).join(), last, more]), [['a,b', undefined, undefined], ['c', undefined, undefined], ['', true, true]]);
});

test('the rest is one order and one answer', async () => {
  const requests: [() => Promise<RecordingTransfer>, string, string[]][] = [
    [() => begun(Type.StatFile, { ...place, noFollow: true }), 'stat', ['noFollow']],
    [() => begun(Type.MakeDirectory, { ...place, mode: 0o700, parents: true }), 'makeDirectory', ['recursive']],
    [() => begun(Type.RemoveFile, { ...place, recursive: true, force: true }), 'remove', ['recursive', 'force']],
    [() => begun(Type.RenameFile, { ...place, newPath: Buffer.from('g'), exclusive: true }), 'rename', ['exclusive']],
  ];
  for (const [begin, operation, flags] of requests) {
    const transfer = await begin();
    assert.deepEqual([transfer.order.operation, transfer.order.flags?.filter((flag) => flag !== undefined)], [operation, flags]);
    if (operation === 'stat') transfer.sink.entries([entry]);
    transfer.end();
    assert.equal((await answers(1)).length, 1);
  }
  const failed = await begun(Type.RemoveFile, place);
  failed.fail(new WardenError('not_found', 'no such file or directory'));
  assert.deepEqual((await answers(1)).map((each) => (each as { message: string }).message), ['no such file or directory']);
});
