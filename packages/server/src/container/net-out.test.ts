import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetOutProtocol as Protocol, WardenError } from 'warden-protocol';
import type { NetOutChange } from '../host/host.js';
import { FirewallMissing, LauncherGone } from '../host/launcher.js';
import { formatIpv4Address } from '../lib/ipv4.js';
import { adoptContainers } from './adopt.js';
import type { Container } from './container.js';
import { destroyContainer } from './destroy.js';
import { addNetOut, netOutLimit, netOutOf, removeNetOut, restoreNetOut } from './net-out.js';
import type { NetOutFields } from './net-out-rule.js';
import { RecordingHost } from './recording-host.js';
import { parseSnapshot } from './snapshot.js';
import { stopContainer } from './stop.js';
import { makeTestContainers } from './test-containers.js';

const web: NetOutFields = { network: '192.0.2.0/24', portRange: '80:81' };
const names: NetOutFields = { port: 53, protocol: Protocol.UDP, log: true };
const echo: NetOutFields = { network: '192.0.2.1', protocol: Protocol.ICMP, icmpType: 8 };

async function scene() {
  const made = makeTestContainers();
  const container = await made.create({ handle: 'demo' });
  return { ...made, container, chain: () => made.host.chains.get(chainOf(container)) };
}

const chainOf = ({ link }: Container): string => `out-${formatIpv4Address(link.containerAddress)}`;

function recorded(host: RecordingHost, id: string): NetOutFields[] | undefined {
  const parsed = parseSnapshot(host.snapshots.get(id) ?? '');
  assert.ok('snapshot' in parsed);
  return parsed.snapshot.netOut;
}

test('a rule is written down before the kernel is told, and goes the other way round', async () => {
  const { host, containers, container, chain } = await scene();
  host.calls.length = 0;
  await addNetOut(containers, container, web);
  await addNetOut(containers, container, names);
  assert.deepEqual(host.calls, ['depot.writeSnapshot', 'launcher.changeFirewall', 'depot.writeSnapshot', 'launcher.changeFirewall']);
  assert.deepEqual(chain(), ['tcp 192.0.2.0/24 80:81', 'udp * 53 log']);
  assert.deepEqual(recorded(host, container.id), [{ ...web, protocol: Protocol.TCP }, names]);
  assert.deepEqual(netOutOf(container), [{ ...web, protocol: Protocol.TCP }, names]);
  host.calls.length = 0;
  await removeNetOut(containers, container, { ...web, network: '192.0.2.0-192.0.2.255' });
  assert.deepEqual(host.calls, ['launcher.changeFirewall', 'depot.writeSnapshot']);
  assert.deepEqual(chain(), ['udp * 53 log']);
  await removeNetOut(containers, container, names);
  assert.deepEqual([chain(), recorded(host, container.id)], [undefined, undefined]);
});

test('one of several is taken out of the chain, and the others stay where they are', async () => {
  const { host, containers, container, chain } = await scene();
  for (const rule of [web, names, echo]) await addNetOut(containers, container, rule);
  const { changeFirewall } = host.launcher;
  const asked: number[] = [];
  host.launcher.changeFirewall = (elements, chains = []) => {
    asked.push(elements.length + chains.reduce((sum, { rules }) => sum + rules.length, 0));
    return changeFirewall(elements, chains);
  };
  await removeNetOut(containers, container, names);
  assert.deepEqual([chain(), asked], [['tcp 192.0.2.0/24 80:81', 'icmp 192.0.2.1 type 8'], [0]], 'no other rule is given again');
  host.chains.set(chainOf(container), ['icmp 192.0.2.1 type 8']);
  containers.firewall.afterLoad(() => restoreNetOut(containers));
  await removeNetOut(containers, container, web);
  assert.deepEqual([chain(), recorded(host, container.id)?.length], [['icmp 192.0.2.1 type 8'], 1], 'one that the kernel does not have is gone all the same');
});

test('the same rule again changes nothing, and one that is not there cannot be removed', async () => {
  const { host, containers, container, chain } = await scene();
  await addNetOut(containers, container, web);
  host.calls.length = 0;
  await addNetOut(containers, container, { ...web, protocol: Protocol.TCP, log: false });
  await assert.rejects(removeNetOut(containers, container, { ...web, log: true }), { code: 'not_found', message: 'no such rule: tcp 192.0.2.0/24 80:81 log; info lists those that there are' });
  await assert.rejects(removeNetOut(containers, container, {}), { code: 'invalid_argument' });
  assert.deepEqual([host.calls, chain()], [[], ['tcp 192.0.2.0/24 80:81']]);
});

test('there is a limit, and at it one can still be removed', async () => {
  const { containers, container } = await scene();
  for (let port = 1; port <= netOutLimit; port++) await addNetOut(containers, container, { port });
  await assert.rejects(addNetOut(containers, container, { port: netOutLimit + 1 }), { code: 'exhausted', message: /can have 1000 rules/ });
  await addNetOut(containers, container, { port: 1 });
  await removeNetOut(containers, container, { port: 500 });
  await addNetOut(containers, container, { port: netOutLimit + 1 });
  assert.equal(container.netOut.length, netOutLimit);
});

test('rules of a stopped container can be changed, of a destroyed one not', async () => {
  const { host, containers, container, chain } = await scene();
  await stopContainer(containers, container, { kill: true });
  await addNetOut(containers, container, web);
  assert.equal(chain()?.length, 1);
  await destroyContainer(containers, container);
  assert.deepEqual(host.leftovers(), []);
  await assert.rejects(addNetOut(containers, container, web), { code: 'not_found' });
});

test('whichever call fails, what is open and what is written down are what they were, and a destroy leaves nothing', async () => {
  for (const work of ['add the first', 'add a second', 'remove the last', 'remove one of two']) {
    for (const moment of ['before', 'after'] as const) {
      for (let call = 1; call <= 2; call++) {
        const { host, containers, container, chain } = await scene();
        if (work !== 'add the first') await addNetOut(containers, container, web);
        if (work === 'remove one of two') await addNetOut(containers, container, echo);
        const before = { open: chain(), written: recorded(host, container.id), rules: container.netOut.map(({ text }) => text) };
        host.failCall(call, moment);
        await assert.rejects(work.startsWith('add') ? addNetOut(containers, container, names) : removeNetOut(containers, container, web), /made to fail/);
        host.repair();
        const what = `${work}, call ${call}, ${moment}`;
        assert.deepEqual({ open: chain(), written: recorded(host, container.id), rules: container.netOut.map(({ text }) => text) }, before, what);
        await destroyContainer(containers, container);
        assert.deepEqual(host.leftovers(), [], what);
      }
    }
  }
});

test('a change that cannot be undone is not recorded as more than what there was, and goes with the container', async () => {
  const { host, containers, container, chain } = await scene();
  const { changeFirewall } = host.launcher;
  host.launcher.changeFirewall = async (...change) => {
    await changeFirewall(...change);
    host.launcher.changeFirewall = () => Promise.reject(new Error('no answer'));
    throw new Error('no answer');
  };
  await assert.rejects(addNetOut(containers, container, web), /no answer/);
  assert.deepEqual([chain()?.length, recorded(host, container.id), container.netOut], [1, undefined, []]);
  host.launcher.changeFirewall = changeFirewall;
  await destroyContainer(containers, container);
  assert.deepEqual(host.leftovers(), []);
});

test('a launcher that dies under it is asked again when it has been started again', async () => {
  const { host, containers, container, chain } = await scene();
  const { changeFirewall } = host.launcher;
  let deaths = 0;
  host.launcher.changeFirewall = async (...change) => {
    if (deaths++ === 0) throw new LauncherGone('killed');
    return changeFirewall(...change);
  };
  await addNetOut(containers, container, web);
  // The answer alone may have been lost: all rules are given again, not one more.
  deaths = 0;
  host.launcher.changeFirewall = async (...change) => {
    await changeFirewall(...change);
    if (deaths++ === 0) throw new LauncherGone('killed');
  };
  await addNetOut(containers, container, names);
  assert.deepEqual(chain(), ['tcp 192.0.2.0/24 80:81', 'udp * 53 log']);
});

test('tables that are gone are loaded with the rules of all, and the new one is there once', async () => {
  const { host, containers, container, create, chain } = await scene();
  containers.firewall.afterLoad(() => restoreNetOut(containers));
  const other = await create({ handle: 'other' });
  await addNetOut(containers, other, echo);
  await addNetOut(containers, container, web);
  const { changeFirewall } = host.launcher;
  const missOnce = (): void => {
    host.launcher.changeFirewall = () => {
      host.launcher.changeFirewall = changeFirewall;
      return Promise.reject(new FirewallMissing(new WardenError('not_found', 'no such file')));
    };
  };
  missOnce();
  await addNetOut(containers, container, names);
  assert.deepEqual([chain(), host.chains.get(chainOf(other))?.length], [['tcp 192.0.2.0/24 80:81', 'udp * 53 log'], 1]);
  missOnce();
  await removeNetOut(containers, container, web);
  assert.deepEqual(chain(), ['udp * 53 log']);
});

test('a rule that has to wait for a load is not given twice', async () => {
  const { host, containers, container, chain } = await scene();
  containers.firewall.afterLoad(() => restoreNetOut(containers));
  await addNetOut(containers, container, web);
  const { load } = host.firewall;
  let proceed = (): void => undefined;
  host.firewall.load = async (links) => {
    await new Promise<void>((resolve) => { proceed = resolve; });
    await load(links);
  };
  const loaded = containers.firewall.load();
  await new Promise(setImmediate);
  const added = addNetOut(containers, container, names);
  await new Promise(setImmediate);
  proceed();
  await Promise.all([loaded, added]);
  assert.deepEqual(chain(), ['tcp 192.0.2.0/24 80:81', 'udp * 53 log']);
});

test('a load while a container is being removed gives it no rules again', async () => {
  const { host, containers, container } = await scene();
  containers.firewall.afterLoad(() => restoreNetOut(containers));
  await addNetOut(containers, container, web);
  const { release } = host.disks;
  host.disks.release = async (disk) => {
    await containers.firewall.load();
    await release(disk);
  };
  await destroyContainer(containers, container);
  assert.deepEqual(host.leftovers(), []);
});

test('a load that gives a container its rules while its removal waits for it leaves none to whoever has the address next', async () => {
  const { host, containers, container } = await scene();
  await addNetOut(containers, container, web);
  host.chains.clear();
  const after = makeTestContainers(host);
  await adoptContainers(after.containers);
  after.containers.firewall.afterLoad(() => restoreNetOut(after.containers));
  const { load } = host.firewall;
  let proceed = (): void => undefined;
  host.firewall.load = async (links) => {
    await new Promise<void>((resolve) => { proceed = resolve; });
    await load(links);
  };
  const loaded = after.containers.firewall.load();
  await new Promise(setImmediate);
  const destroyed = destroyContainer(after.containers, after.containers.get('demo'));
  await new Promise(setImmediate);
  proceed();
  await Promise.all([loaded, destroyed]);
  assert.deepEqual(host.leftovers(), []);
});

test('after a start the rules of all containers are put back, in messages of a bounded size', async () => {
  const { host, containers, container, create } = await scene();
  for (const fields of [web, names, echo]) await addNetOut(containers, container, fields);
  const other = await create({ handle: 'other' });
  await addNetOut(containers, other, echo);
  await create({ handle: 'none' });
  const open = new Map(host.chains);
  host.chains.clear();
  const after = makeTestContainers(host);
  await adoptContainers(after.containers);
  assert.deepEqual(netOutOf(after.containers.get('demo')), netOutOf(container));
  host.calls.length = 0;
  await restoreNetOut(after.containers);
  assert.deepEqual(host.calls, ['launcher.changeFirewall']);
  assert.deepEqual(host.chains, open);
  for (const handle of ['demo', 'other', 'none']) await destroyContainer(after.containers, after.containers.get(handle));
  assert.deepEqual(host.leftovers(), []);
});

test('more rules than one message takes come in several, and one that fails keeps no other from its own', async () => {
  const { host, containers, container, create } = await scene();
  const all = [container, await create({ handle: 'b' }), await create({ handle: 'c' })];
  for (const each of all) each.netOut = Array.from({ length: 3000 }, () => ({ text: 'tcp * 1', protocol: 'tcp', network: undefined, ports: { first: 1, last: 1 }, domain: undefined, icmpType: undefined, icmpCode: undefined, log: false }));
  const { changeFirewall } = host.launcher;
  const sizes: number[] = [];
  host.launcher.changeFirewall = async (elements, chains = []) => {
    sizes.push(chains.reduce((sum, { rules }) => sum + rules.length, 0));
    if (sizes.length === 1) throw new Error('no');
    return changeFirewall(elements, chains);
  };
  await restoreNetOut(containers);
  assert.deepEqual(sizes, [6000, 3000]);
  assert.deepEqual([...host.chains.keys()], all.slice(2).map(chainOf));
});

test('what a first rule needs is made for containers to come behind the reply, and no failure of that concerns anybody', async () => {
  const { host, containers, container } = await scene();
  const ends: boolean[] = [];
  const ahead: NetOutChange = { elements: [], chains: [{ operation: 'add', family: 'inet', table: 'warden', name: 'out-next', rules: [] }], ended: (isMade) => void ends.push(isMade) };
  host.firewall.netOutAhead = ({ containerAddress }) => (containerAddress === container.link.containerAddress ? ahead : undefined);
  const { changeFirewall } = host.launcher;
  host.launcher.changeFirewall = async (elements, chains = []) => {
    if (chains[0]?.name === 'out-next') throw new Error('no');
    return changeFirewall(elements, chains);
  };
  await addNetOut(containers, container, web);
  await new Promise(setImmediate);
  assert.deepEqual([ends, host.chains.has('out-next'), container.netOut.length], [[false], false, 1]);
  host.launcher.changeFirewall = changeFirewall;
  await addNetOut(containers, container, names);
  await new Promise(setImmediate);
  assert.deepEqual([ends, host.chains.has('out-next')], [[false, true], true]);
});
