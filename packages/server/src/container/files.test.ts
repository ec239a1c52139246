import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WardenError } from 'warden-protocol';
import { destroyContainer } from './destroy.js';
import { beginTransfer, changeFiles, checkContent, contentLimitInBytes, type FileOrder } from './files.js';
import { RecordingHost } from './recording-host.js';
import { makeTestContainers } from './test-containers.js';
import { stopContainer } from './stop.js';

async function scene() {
  const { containers, host, create } = makeTestContainers(new RecordingHost());
  const container = await create({ handle: 'demo' });
  const monitor = host.living.get(container.id);
  assert.ok(monitor !== undefined);
  const begin = (order: Partial<FileOrder> = {}) => beginTransfer(containers, container, { operation: 'stat', user: undefined, path: Buffer.from('f'), ...order });
  return { containers, container, host, monitor, begin };
}

/** What was begun runs as far as it gets. */
async function turns(): Promise<void> {
  for (let count = 0; count < 5; count++) await new Promise((resolve) => setImmediate(resolve));
}

test('an order has the rights of vcap, of root, or of whom the container knows by that name', async () => {
  const { container, monitor, begin } = await scene();
  for (const user of [undefined, 'vcap', 'root', 'daemon', '0:0']) {
    begin({ user }).giveUp();
    await turns();
  }
  const vcap = { uid: container.identity.uid, gid: container.identity.uid, privileged: false, home: '/home/vcap' };
  assert.deepEqual(monitor.transfers.map(({ order }) => order.user), [vcap, vcap, { uid: 0, gid: 0, privileged: true, home: '/root' }, { name: 'daemon' }, { name: '0:0' }]);
  for (const user of ['', '-x', 'a/b', 'a\0b', '4294967295', '1:']) assert.throws(() => begin({ user }), { code: 'invalid_argument' });
});

test('what no order can be is refused before anything is asked of the container', async () => {
  const { monitor, begin } = await scene();
  const refused: [Partial<FileOrder>, RegExp][] = [
    [{ path: new Uint8Array(0) }, /^path is empty$/],
    [{ path: Buffer.alloc(4096, 'p') }, /^path has 4096 bytes, the limit is 4095$/],
    [{ path: Buffer.from('a\0b') }, /^path contains a NUL character$/],
    [{ operation: 'rename', target: new Uint8Array(0) }, /^new_path is empty$/],
    [{ operation: 'tarOut', target: Buffer.from('\0') }, /^name contains a NUL character$/],
    [{ mode: 0o10000 }, /^mode is at most 4095/],
    [{ operation: 'write', content: new Uint8Array(contentLimitInBytes + 1) }, /^data has 1048577 bytes, the limit is 1048576/],
  ];
  for (const [order, message] of refused) assert.throws(() => begin(order), { code: 'invalid_argument', message });
  assert.throws(() => checkContent(new Uint8Array(contentLimitInBytes + 1)), { code: 'invalid_argument' });
  checkContent(new Uint8Array(contentLimitInBytes));
  assert.equal(monitor.transfers.length, 0);
});

test('a stopped container has files, one that was destroyed has none', async () => {
  const { containers, container, monitor, begin } = await scene();
  await stopContainer(containers, container, { kill: true });
  begin().giveUp();
  assert.equal(monitor.transfers.length, 1);
  await destroyContainer(containers, container);
  assert.throws(() => begin(), { code: 'not_found' });
});

test('short content goes along, longer content when the file is open', async () => {
  const { monitor, begin } = await scene();
  begin({ operation: 'write', content: Buffer.from('short') });
  const long = begin({ operation: 'write', content: Buffer.alloc(100_000, 'x') });
  const [first, second] = monitor.transfers;
  assert.ok(first !== undefined && second !== undefined);
  await turns();
  assert.deepEqual([Buffer.from(first.order.content ?? []).toString(), second.order.content, second.written], ['short', undefined, []]);
  second.open();
  await turns();
  assert.deepEqual([Buffer.concat(second.written).length, second.finished], [100_000, true]);
  second.end({ length: 100_000n });
  assert.equal((await long.ended).length, 100_000n);
});

test('content of a file that cannot be opened is not written', async () => {
  const { monitor, begin } = await scene();
  const transfer = begin({ operation: 'write', content: Buffer.alloc(100_000, 'x') });
  monitor.transfers[0]?.fail(new WardenError('permission', 'the user may not do that'));
  await assert.rejects(transfer.ended, { code: 'permission' });
  await turns();
  assert.deepEqual([monitor.transfers[0]?.written, monitor.transfers[0]?.finished], [[], false]);
});

test('only so many are under way at a time, however they end', async () => {
  const { containers, container, monitor, begin } = await scene();
  begin();
  begin();
  const given = begin();
  const full = { code: 'exhausted', message: '3 requests for files of this container are under way, the limit (files.transfers_max)' };
  assert.throws(() => begin(), full);
  await assert.rejects(async () => changeFiles(containers, container, { operation: 'remove', user: undefined, path: Buffer.from('f') }), full);
  monitor.transfers[0]?.end();
  await turns();
  begin();
  monitor.transfers[1]?.fail(new WardenError('not_found', 'no such file'));
  given.giveUp();
  await turns();
  begin();
  begin();
  assert.throws(() => begin(), full);
});

test('an archive has the limits of the configuration, and nothing else has', async () => {
  const { monitor, begin } = await scene();
  begin({ operation: 'tarIn' });
  begin({ operation: 'list', entryLimit: 7n });
  begin({ operation: 'write', content: new Uint8Array(1) });
  assert.deepEqual(monitor.transfers.map(({ order: { entryLimit, byteLimit } }) => [entryLimit, byteLimit]), [[100n, 1000n], [7n, undefined], [undefined, undefined]]);
});

test('the end of the container is told as that', async () => {
  const { containers, container, monitor, begin } = await scene();
  const lost = new WardenError('unavailable', 'the monitor closed the connection');
  const kept = begin();
  monitor.transfers[0]?.fail(lost);
  await assert.rejects(kept.ended, lost);
  assert.equal(container.state, 'active', 'a transfer alone has ended');

  const cut = begin();
  await destroyContainer(containers, container);
  monitor.transfers[1]?.fail(lost);
  await assert.rejects(cut.ended, { code: 'canceled', message: 'the container was destroyed meanwhile' });
});

test('when the monitor is gone the container has ended before the transfer tells its end', async () => {
  const { container, host, monitor, begin } = await scene();
  const transfer = begin();
  monitor.dieSilently();
  host.living.delete(container.id);
  monitor.transfers[0]?.fail(new WardenError('unavailable', 'no connection'));
  await assert.rejects(transfer.ended, { code: 'unavailable' });
  assert.equal(container.state, 'stopped');
});
