import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LauncherGone } from '../host/launcher.js';
import { adoptContainers } from './adopt.js';
import { bandwidthStatOf, limitBandwidth, removeStrayLimits, restoreBandwidthLimits } from './bandwidth.js';
import { destroyContainer } from './destroy.js';
import { RecordingHost } from './recording-host.js';
import { parseSnapshot } from './snapshot.js';
import { makeTestContainers } from './test-containers.js';

const unlimited = 4_294_967_295n;
const all = (rate: bigint, burst: bigint) => ({ inRate: rate, inBurst: burst, outRate: rate, outBurst: burst });

function recorded(host: RecordingHost, id: string) {
  const parsed = parseSnapshot(host.snapshots.get(id) ?? '');
  assert.ok('snapshot' in parsed);
  return parsed.snapshot.bandwidth;
}

test('a limit is written down before the kernel is told, and answered as the kernel has it', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create({ handle: 'demo' });
  assert.deepEqual(bandwidthStatOf(container), all(unlimited, unlimited));
  host.calls.length = 0;
  assert.deepEqual(await limitBandwidth(containers, container, { rate: 1000n, burst: 2000n }), { rate: 1000n, burst: 2000n });
  assert.deepEqual(host.calls, ['depot.writeSnapshot', 'launcher.limitBandwidth']);
  assert.deepEqual(recorded(host, container.id), { rate: '1000', burst: '2000' });
  assert.deepEqual(host.bandwidths, new Map([['w-demo-2', { rate: 1000n, burst: 2000n }]]));
  assert.deepEqual(bandwidthStatOf(container), all(1000n, 2000n));
  await destroyContainer(containers, container);
  assert.deepEqual(host.leftovers(), []);
});

test('numbers that are none are refused before anything is done', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  host.calls.length = 0;
  for (const [rate, burst] of [[0n, 1n], [1n, 0n], [2n ** 40n + 1n, 1n], [1n, 2n ** 31n + 1n], [2n ** 64n - 1n, 2n ** 64n - 1n]] as const) {
    await assert.rejects(limitBandwidth(containers, container, { rate, burst }), { code: 'invalid_argument' });
  }
  assert.deepEqual(host.calls, []);
});

test('whichever call fails, what is in force and what is written down are what they were, and a destroy leaves nothing', async () => {
  for (const before of [undefined, { rate: 5n, burst: 6n }]) {
    for (const moment of ['before', 'after'] as const) {
      for (let call = 1; call <= 2; call++) {
        const { host, containers, create } = makeTestContainers();
        const container = await create({ handle: 'demo' });
        if (before !== undefined) await limitBandwidth(containers, container, before);
        host.failCall(call, moment);
        await assert.rejects(limitBandwidth(containers, container, { rate: 1000n, burst: 2000n }), /made to fail/);
        host.repair();
        const what = `call ${call}, ${moment}, ${before === undefined ? 'without' : 'with'} a limit before`;
        assert.deepEqual(host.bandwidths.get('w-demo-2'), before, what);
        assert.deepEqual(bandwidthStatOf(container), before === undefined ? all(unlimited, unlimited) : all(before.rate, before.burst), what);
        // A snapshot that was written although its answer got lost tells of a limit that nobody was promised; the next start sets it.
        if (!(call === 1 && moment === 'after')) assert.deepEqual(recorded(host, container.id), before === undefined ? undefined : { rate: '5', burst: '6' }, what);
        await destroyContainer(containers, container);
        assert.deepEqual(host.leftovers(), [], what);
      }
    }
  }
});

test('when the undo fails, too, the record stays, and with it the interface is removed in the end', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create({ handle: 'demo' });
  const { limitBandwidth: limit, removeBandwidthLimit: remove } = host.launcher;
  host.launcher.limitBandwidth = async (...order) => {
    await limit(...order);
    throw new Error('no answer');
  };
  host.launcher.removeBandwidthLimit = () => Promise.reject(new Error('no answer'));
  await assert.rejects(limitBandwidth(containers, container, { rate: 1n, burst: 2n }), /no answer/);
  assert.deepEqual(recorded(host, container.id), { rate: '1', burst: '2' });
  host.launcher.removeBandwidthLimit = remove;
  await destroyContainer(containers, container);
  assert.deepEqual(host.leftovers(), []);
});

test('a launcher that dies under it is asked again when it has been started again', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  const { limitBandwidth: limit } = host.launcher;
  let deaths = 0;
  host.launcher.limitBandwidth = async (...order) => {
    if (deaths++ === 0) throw new LauncherGone('killed');
    return limit(...order);
  };
  assert.deepEqual(await limitBandwidth(containers, container, { rate: 1n, burst: 2n }), { rate: 1n, burst: 2n });
});

test('after a start: what is in force is left alone, what is not is set again, and a container whose link is gone keeps no other from it', async () => {
  const { host, containers, create } = makeTestContainers();
  const handles = ['kept', 'lost', 'changed', 'never'];
  for (const handle of handles) {
    const container = await create({ handle });
    if (handle !== 'never') await limitBandwidth(containers, container, { rate: 10n, burst: 20n });
  }
  host.bandwidths.delete('w-lost-2');
  host.bandwidths.set('w-changed-2', { rate: 99n, burst: 20n });
  const after = makeTestContainers(host);
  await adoptContainers(after.containers);
  assert.deepEqual(bandwidthStatOf(after.containers.get('kept')), all(unlimited, unlimited), 'nothing is claimed before it was looked at');
  host.calls.length = 0;
  await restoreBandwidthLimits(after.containers);
  assert.equal(host.calls.filter((call) => call === 'launcher.limitBandwidth').length, 2);
  for (const handle of handles) assert.deepEqual(bandwidthStatOf(after.containers.get(handle)), handle === 'never' ? all(unlimited, unlimited) : all(10n, 20n), handle);
  assert.equal(host.bandwidths.get('w-changed-2')?.rate, 10n);
  host.failCall(1, 'before');
  await restoreBandwidthLimits(after.containers);
  host.repair();
  for (const container of after.containers.all()) await destroyContainer(after.containers, container);
  assert.deepEqual(host.leftovers(), []);
});

test('a destroy that its server did not finish is finished by the next, the interface included', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create({ handle: 'demo' });
  await limitBandwidth(containers, container, { rate: 10n, burst: 20n });
  host.living.get(container.id)?.destroy();
  const after = makeTestContainers(host);
  await adoptContainers(after.containers);
  // The firewall is loaded anew after this.
  assert.deepEqual([after.containers.handles(), [...host.directories], [...host.bandwidths]], [[], [], []]);
});

test('a start removes interfaces of its own whose containers are no more, and nobody else\'s', async () => {
  const { host, containers, create } = makeTestContainers();
  await limitBandwidth(containers, await create({ handle: 'kept' }), { rate: 10n, burst: 20n });
  const table = containers.configuration.network.table;
  const aliases = { 'w-gone-2': `warden ${table} 1j000000000`, 'w-quarantined-2': `warden ${table} 1j000000001`, 'w-other-2': `warden ${table}2 1j000000000`, 'w-foreign-2': 'of the administrator', 'w-none-2': '' };
  for (const [name, alias] of Object.entries(aliases)) {
    host.bandwidths.set(name, { rate: 1n, burst: 1n });
    host.aliases.set(name, alias);
  }
  containers.quarantine('1j000000001', undefined, 'a test');
  await removeStrayLimits(containers);
  assert.deepEqual([...host.bandwidths.keys()].sort(), ['w-foreign-2', 'w-kept-2', 'w-none-2', 'w-other-2', 'w-quarantined-2']);
});
