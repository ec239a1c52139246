import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WardenError } from 'warden-protocol';
import { FirewallMissing } from '../host/launcher.js';
import type { Log } from '../lib/log.js';
import { FirewallUpkeep } from './firewall-upkeep.js';
import { RecordingHost } from './recording-host.js';
import { makeTestContainers } from './test-containers.js';

const link = (hostName: string) => ({ hostName, containerMac: Uint8Array.of(2, 0, 0, 0, 0, 1), containerAddress: 0x0afe_0002 });
const turn = (): Promise<void> => new Promise(setImmediate);
const missing = () => new FirewallMissing(new WardenError('not_found', 'change firewall elements: no such file'));

function make() {
  const host = new RecordingHost();
  const messages: string[] = [];
  const note = (_: object, message: string): void => void messages.push(message);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  return { host, messages, upkeep: new FirewallUpkeep(host, log) };
}

/** Loads that end when the test says so. */
function slowLoads(host: RecordingHost): (() => void)[] {
  const ends: (() => void)[] = [];
  const { load } = host.firewall;
  host.firewall.load = async (links) => {
    await new Promise<void>((resolve) => void ends.push(resolve));
    await load(links);
  };
  return ends;
}

test('a load has the links that are noted, and then what others restore', async () => {
  const { host, upkeep } = make();
  upkeep.afterLoad(async () => void host.calls.push('restore rules'));
  upkeep.afterLoad(async () => void host.calls.push('restore ports'));
  for (const name of ['w-a-0', 'w-b-0', 'w-c-0']) upkeep.note(link(name));
  upkeep.forget({ hostName: 'w-b-0' });
  await upkeep.start();
  assert.deepEqual(host.calls, ['launcher.watchFirewall', 'firewall.load', 'restore rules', 'restore ports']);
  assert.deepEqual([...host.elements], ['interfaces w-a-0', 'interfaces w-c-0']);
});

test('what somebody else changes is loaded again, with one line, and watched again; a load of our own is not', async () => {
  const { host, messages, upkeep } = make();
  await upkeep.start();
  host.calls.length = 0;
  host.loads.add(17);
  upkeep.changed({ pid: 17 });
  await turn();
  assert.deepEqual(host.calls, ['launcher.watchFirewall']);
  upkeep.changed({ pid: 18, program: 'nft' });
  await turn();
  assert.deepEqual(host.calls, ['launcher.watchFirewall', 'firewall.load', 'launcher.watchFirewall']);
  assert.deepEqual(messages, ['the firewall was changed by somebody else, and has been loaded again']);
});

test('programs that change it again and again are answered ever later, until there is calm', async () => {
  const { host, upkeep } = make();
  for (let number = 0; number < 8; number++) {
    upkeep.changed({ pid: 18 });
    await turn();
    host.clock.advance(1000);
  }
  assert.deepEqual(host.clock.delays, [50, 100, 200, 400, 800, 1000, 1000]);
  host.clock.advance(10_000);
  host.calls.length = 0;
  upkeep.changed({ pid: 18 });
  await turn();
  assert.deepEqual(host.calls, ['firewall.load', 'launcher.watchFirewall']);
});

test('a load that fails is tried again', async () => {
  const { host, messages, upkeep } = make();
  host.failCall(1, 'before');
  upkeep.changed({});
  await turn();
  assert.match(messages[0] ?? '', /cannot be loaded again: containers may reach/);
  host.clock.advance(1000);
  await turn();
  assert.deepEqual(host.calls, ['firewall.load', 'firewall.load']);
  assert.equal(messages.length, 2);
});

test('a change waits for the load that is under way, and a load for the changes', async () => {
  const { host, upkeep } = make();
  const ends = slowLoads(host);
  const order: string[] = [];
  let endChange = (): void => undefined;
  const first = upkeep.change(() => new Promise<void>((resolve) => { endChange = resolve; }));
  await turn();
  const loaded = upkeep.load().then(() => order.push('load'));
  const second = upkeep.change(async () => { order.push('second change'); });
  await turn();
  assert.equal(ends.length, 0, 'a change is under way');
  endChange();
  await first;
  await turn();
  assert.deepEqual(order, []);
  ends.shift()?.();
  await Promise.all([loaded, second]);
  assert.deepEqual(order, ['load', 'second change']);
});

test('who asks for a load while one is under way gets one that begins later, all of them the same', async () => {
  const { host, upkeep } = make();
  const ends = slowLoads(host);
  const first = upkeep.load();
  await turn();
  upkeep.note(link('w-late-0'));
  const others = [upkeep.load(), upkeep.load()];
  await turn();
  ends.shift()?.();
  await first;
  assert.deepEqual([...host.elements], []);
  await turn();
  ends.shift()?.();
  await Promise.all(others);
  assert.deepEqual([...host.elements], ['interfaces w-late-0']);
  assert.equal(ends.length, 0);
});

test('a change that finds no tables loads them and is made again, once', async () => {
  const { host, upkeep } = make();
  let attempts = 0;
  await upkeep.change(async () => {
    if (++attempts === 1) throw missing();
  });
  assert.deepEqual([attempts, host.calls], [2, ['firewall.load']]);
  await assert.rejects(upkeep.change(() => Promise.reject(missing())), FirewallMissing);
  await assert.rejects(upkeep.change(() => Promise.reject(new Error('another'))), /another/);
  assert.equal(host.calls.length, 2);
});

test('a create that finds no tables loads them and is made again; one under way is in every load, one that is gone in none', async () => {
  const { host, containers, create } = makeTestContainers();
  const makeContainer = host.launcher.create;
  host.launcher.create = async () => {
    host.launcher.create = makeContainer;
    await containers.firewall.load();
    assert.deepEqual([...host.elements], ['interfaces w-one-0'], 'the load knows of the create under way');
    throw missing();
  };
  const container = await create({ handle: 'one' });
  assert.deepEqual([...host.elements], ['interfaces w-one-0']);
  assert.equal(host.calls.filter((call) => call === 'firewall.load').length, 2);
  host.launcher.create = () => Promise.reject(missing());
  await assert.rejects(create({ handle: 'two' }), FirewallMissing);
  await containers.firewall.load();
  assert.deepEqual([...host.elements], [`interfaces ${container.link.hostName}`]);
});

test('after its end nothing is loaded', async () => {
  const { host, upkeep } = make();
  await upkeep.stop();
  upkeep.changed({ pid: 18 });
  await turn();
  assert.deepEqual(host.calls, []);
});
