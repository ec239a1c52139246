import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LauncherGone } from '../host/launcher.js';
import { parseIpv4Range } from '../lib/ipv4.js';
import { silentLog } from '../lib/log.js';
import { destroyContainer } from './destroy.js';
import { RecordingHost } from './recording-host.js';
import { StaleConnections } from './stale-connections.js';
import { makeTestContainers, testConfiguration } from './test-containers.js';

const range = (text: string) => parseIpv4Range(text)!;

test('what is given back within ten seconds is forgotten at once, and free then', async () => {
  const host = new RecordingHost();
  const stale = new StaleConnections(host, silentLog);
  const free: number[] = [];
  for (const address of [1, 2, 3]) stale.addAddress(address, () => free.push(address));
  stale.addPort({ protocol: 'tcp', port: 80, address: 9 }, () => free.push(80));
  host.clock.advance(9_999);
  assert.deepEqual(host.calls, []);
  host.clock.advance(1);
  assert.deepEqual(free, []);
  await stale.forget();
  assert.deepEqual(free, [1, 2, 3, 80]);
  assert.deepEqual(host.forgotten, [{ addresses: [1, 2, 3].map((address) => ({ first: address, last: address })), ports: [{ protocol: 'tcp', port: 80, address: 9 }] }]);
});

test('who needs one at once waits for what is under way, and for what came meanwhile', async () => {
  const host = new RecordingHost();
  const stale = new StaleConnections(host, silentLog);
  const free: number[] = [];
  stale.addAddress(1, () => free.push(1));
  const first = stale.forget();
  stale.addAddress(2, () => free.push(2));
  await Promise.all([first, stale.forget()]);
  assert.deepEqual(free, [1, 2]);
  assert.equal(host.forgotten.length, 2);
});

test('what the kernel cannot do is logged, and keeps nobody from an address', async () => {
  const host = new RecordingHost();
  const stale = new StaleConnections(host, silentLog);
  let asked = 0;
  host.launcher.forgetConnections = async () => {
    throw asked++ === 0 ? new LauncherGone('killed') : new Error('no ctnetlink');
  };
  let free = false;
  stale.addAddress(1, () => (free = true));
  await stale.forget();
  assert.deepEqual([asked, free], [2, true]);
});

test('addresses that nobody has: everything between those of the containers', async () => {
  const host = new RecordingHost();
  const stale = new StaleConnections(host, silentLog);
  await stale.forgetUnused(range('10.0.0.0/28'), [range('10.0.0.6').first, range('10.0.0.2').first, range('10.9.9.9').first]);
  assert.deepEqual(host.forgotten[0]?.addresses, ['10.0.0.0-10.0.0.1', '10.0.0.3-10.0.0.5', '10.0.0.7-10.0.0.15'].map(range));
});

test('a destroy waits for nothing; a create that finds no other network does', async () => {
  const { host, containers, create } = makeTestContainers(undefined, { ...testConfiguration, network: { ...testConfiguration.network, pool: range('10.254.0.0/30') } });
  const container = await create();
  await destroyContainer(containers, container);
  assert.deepEqual(host.forgotten, []);
  const next = await create({ network: '10.254.0.2' });
  assert.equal(next.network.network, container.network.network);
  assert.equal(host.forgotten.length, 1);
  await assert.rejects(create(), { code: 'exhausted' });
});

test('an address rests from the moment when its container is gone, however long its connections wait to be forgotten', async () => {
  const { host, containers, create } = makeTestContainers(undefined, { ...testConfiguration, network: { ...testConfiguration.network, pool: range('10.254.0.0/29'), releaseDelayMs: 5000 } });
  const [first, second] = [await create(), await create()];
  await destroyContainer(containers, first);
  host.clock.advance(3000);
  await destroyContainer(containers, second);
  host.clock.advance(1999);
  await assert.rejects(create(), { code: 'exhausted' });
  host.clock.advance(1);
  assert.equal((await create()).network.network, first.network.network);
  await assert.rejects(create(), { code: 'exhausted' });
  host.clock.advance(3000);
  assert.equal((await create()).network.network, second.network.network);
});
