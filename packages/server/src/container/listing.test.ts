import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4Address } from '../lib/ipv4.js';
import { spawnJob } from './jobs.js';
import { listContainers, type ListPiece } from './listing.js';
import { stopContainer } from './stop.js';
import { makeTestContainers, roomyConfiguration, type TestContainers } from './test-containers.js';

type Request = Parameters<typeof listContainers>[1];
type Known = Parameters<typeof listContainers>[0];

function piecesOf(containers: Known, request: Request): ListPiece[] {
  const pieces: ListPiece[] = [];
  const iterator = listContainers(containers, request);
  for (let piece = iterator.next(); piece.done !== true; piece = iterator.next()) pieces.push(piece.value);
  return pieces;
}

/** Of a list that is short. */
function only(containers: Known, request: Request): ListPiece {
  const [piece, ...more] = piecesOf(containers, request);
  assert.ok(piece !== undefined && more.length === 0, `${more.length + 1} pieces`);
  return piece;
}

test('list tells handles, of all or of those with labels', async () => {
  const { containers, create } = makeTestContainers();
  await create({ handle: 'plain' });
  await create({ handle: 'red', labels: [{ key: 'team', value: 'red' }] });
  await create({ handle: 'blue', labels: [{ key: 'team', value: 'blue' }, { key: 'ci', value: '' }] });
  assert.deepEqual(only(containers, { labels: [] }), { handles: ['plain', 'red', 'blue'] });
  assert.deepEqual(only(containers, { labels: [{ key: 'team' }] }), { handles: ['red', 'blue'] });
  assert.deepEqual(only(containers, { labels: [{ key: 'team', value: 'blue' }, { key: 'ci' }], details: false }), { handles: ['blue'] });
  assert.deepEqual(only(containers, { labels: [{ key: 'none' }], details: true }), { handles: [], containers: [] });
});

test('with details it tells what a table shows, and asks nobody for it', async () => {
  const { containers, create, host } = makeTestContainers();
  const before = Date.now();
  const container = await create({ handle: 'demo', ttl: 60, labels: [{ key: 'team', value: 'red' }] });
  await spawnJob(containers, container, { handle: 'demo', script: '' });
  const stopped = await create({ handle: 'stopped', rootfs: '/other' });
  await stopContainer(containers, stopped, { kill: true });
  host.clock.advance(1500);
  host.calls.length = 0;
  const { handles, containers: [demo, other] = [] } = only(containers, { labels: [], details: true });
  assert.deepEqual(host.calls, []);
  assert.deepEqual(handles, ['demo', 'stopped']);
  const { createdMs = 0n, ...rest } = demo ?? { handle: '', state: '' };
  assert.ok(createdMs >= BigInt(before) && createdMs <= BigInt(Date.now()));
  assert.deepEqual(rest, {
    handle: 'demo', state: 'active', containerIp: formatIpv4Address(container.network.containerAddress), labels: [{ key: 'team', value: 'red' }], ttlLeftMs: 58_500n, rootfs: '/rootfs', netIn: [], jobs: 1,
  });
  assert.deepEqual([other?.state, other?.rootfs, other?.ttlLeftMs, other?.labels, other?.jobs], ['stopped', '/other', undefined, [], 0]);
});

const roomy = (): TestContainers => makeTestContainers(undefined, roomyConfiguration);

/** Each label is 1,100 characters long. */
function labelsOfLength(count: number): { key: string; value: string }[] {
  return Array.from({ length: count }, (_, index) => ({ key: `${index}`.padEnd(100, 'k'), value: 'v'.repeat(1000) }));
}

test('what is long comes in pieces of few containers with details, each container in one of them', async () => {
  const { containers, create } = roomy();
  const handles = Array.from({ length: 501 }, (_, index) => `c${index}`);
  for (const handle of handles) await create({ handle });
  const pieces = piecesOf(containers, { labels: [], details: true });
  assert.deepEqual(pieces.map((piece) => piece.handles?.length), [250, 250, 1]);
  assert.deepEqual(pieces.flatMap((piece) => piece.handles), handles);
  assert.deepEqual(pieces.flatMap((piece) => piece.containers?.map(({ handle }) => handle)), handles);
  assert.deepEqual(piecesOf(containers, { labels: [] }), [{ handles }], 'handles alone are short');
});

test('pieces are of few characters, too, and leave out who is gone when their turn comes', async () => {
  const { containers, create } = roomy();
  for (const handle of ['one', 'two', 'three', 'four', 'five']) await create({ handle, labels: labelsOfLength(50) });
  assert.deepEqual(piecesOf(containers, { labels: [], details: true }).map((piece) => piece.handles), [['one', 'two'], ['three', 'four'], ['five']]);
  const iterator = listContainers(containers, { labels: [], details: true });
  assert.deepEqual(iterator.next().value?.handles, ['one', 'two']);
  containers.remove(containers.get('three'));
  assert.deepEqual([iterator.next().value?.handles, iterator.next().value?.handles, iterator.next().done], [['four'], ['five'], true]);
});

test('pages tell what is next, until there is no more; who stays is in one of them, whatever comes and goes', async () => {
  const { containers, create } = roomy();
  for (const handle of ['a', 'b', 'c', 'd', 'e']) await create({ handle, labels: [{ key: 'odd', value: 'ace'.includes(handle) ? '1' : '0' }] });
  const first = only(containers, { labels: [], limit: 2 });
  assert.deepEqual([first.handles, first.containers, first.next], [['a', 'b'], undefined, containers.get('b').id]);
  containers.remove(containers.get('b'));
  containers.remove(containers.get('c'));
  const second = only(containers, { labels: [], limit: 1, after: first.next });
  assert.deepEqual([second.handles, second.next], [['d'], containers.get('d').id]);
  await create({ handle: 'f' });
  const third = only(containers, { labels: [], limit: 2, after: second.next });
  assert.deepEqual([third.handles, third.next], [['e', 'f'], undefined]);
  assert.deepEqual(only(containers, { labels: [], limit: 2, after: containers.get('f').id }), { handles: [] });
  const odd = only(containers, { labels: [{ key: 'odd', value: '1' }], details: true, limit: 1 });
  assert.deepEqual([odd.handles, odd.containers?.map(({ handle }) => handle), odd.next], [['a'], ['a'], containers.get('a').id]);
  assert.deepEqual(only(containers, { labels: [{ key: 'odd', value: '1' }], after: odd.next }).handles, ['e']);
});

test('a page has less than its limit when there is much to tell, and at least one container', async () => {
  const { containers, create } = roomy();
  for (const handle of ['one', 'two', 'three']) await create({ handle, labels: labelsOfLength(64) });
  const page = only(containers, { labels: [], details: true, limit: 1000 });
  assert.deepEqual([page.handles, page.next], [['one'], containers.get('one').id]);
  assert.deepEqual(only(containers, { labels: [], limit: 1000 }).handles, ['one', 'two', 'three']);
});

test('a limit of none, and an after that is nothing that a list has told, are refused', () => {
  const { containers } = roomy();
  assert.throws(() => listContainers(containers, { labels: [], limit: 0 }), /limit: a page has at least one container/);
  for (const after of ['', 'x', '../../../etc', '0'.repeat(12)]) assert.throws(() => listContainers(containers, { labels: [], after }), /after: this is no text/);
});
