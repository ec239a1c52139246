import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LauncherGone } from '../host/launcher.js';
import { formatIpv4Address } from '../lib/ipv4.js';
import { adoptContainers } from './adopt.js';
import type { Container } from './container.js';
import { destroyContainer } from './destroy.js';
import { infoOf } from './info.js';
import { closePort, openPort } from './net-in.js';
import { forwardsOf } from './port-mapping.js';
import type { RecordingHost } from './recording-host.js';
import { parseSnapshot } from './snapshot.js';
import { stopContainer } from './stop.js';
import { makeTestContainers, testConfiguration } from './test-containers.js';

const tcp = { protocol: 'tcp' } as const;

function recorded(host: RecordingHost, id: string): unknown {
  const parsed = parseSnapshot(host.snapshots.get(id) ?? '');
  return 'snapshot' in parsed ? parsed.snapshot.netIn : parsed.reason;
}

function elementsOf(host: RecordingHost): string[] {
  return [...host.elements].filter((element) => element.startsWith('forwarded '));
}

const element = ({ network }: Container, host: string, port: number): string => `forwarded ${host} → ${formatIpv4Address(network.containerAddress)} ${port}`;

test('a port of the pool leads to the same port of the container, is written down before anybody is told, and goes with the container', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  host.calls.length = 0;
  assert.deepEqual(await openPort(containers, container, tcp), { protocol: 'tcp', hostPort: 61_001, containerPort: 61_001 });
  assert.deepEqual(host.calls, ['launcher.openUnlessListening', 'depot.writeSnapshot']);
  assert.deepEqual(recorded(host, container.id), [{ protocol: 'tcp', hostPort: 61_001, containerPort: 61_001 }]);
  assert.deepEqual(elementsOf(host), [element(container, 'tcp 61001', 61_001)]);
  assert.deepEqual(infoOf(container).netIn, [{ hostPort: 61_001, containerPort: 61_001, protocol: 0 }]);
  assert.deepEqual(forwardsOf(containers.all()), [{ protocol: 'tcp', hostPort: 61_001, containerPort: 61_001, address: container.network.containerAddress }]);
  await destroyContainer(containers, container);
  assert.deepEqual(host.leftovers(), []);
});

test('a port of the client\'s own, and a container port of its own; TCP and UDP beside one another', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  assert.deepEqual(await openPort(containers, container, { ...tcp, hostPort: 8080, containerPort: 80 }), { protocol: 'tcp', hostPort: 8080, containerPort: 80 });
  assert.deepEqual(await openPort(containers, container, { ...tcp, hostPort: 8081 }), { protocol: 'tcp', hostPort: 8081, containerPort: 8081 });
  assert.deepEqual(await openPort(containers, container, { protocol: 'udp', hostPort: 8080, containerPort: 53 }), { protocol: 'udp', hostPort: 8080, containerPort: 53 });
  assert.deepEqual(await openPort(containers, container, { ...tcp, containerPort: 80 }), { protocol: 'tcp', hostPort: 61_001, containerPort: 80 });
  assert.deepEqual(elementsOf(host), [element(container, 'tcp 8080', 80), element(container, 'tcp 8081', 8081), element(container, 'udp 8080', 53), element(container, 'tcp 61001', 80)]);
  await containers.stale.forget();
  assert.deepEqual(host.forgotten, [{ addresses: [], ports: [{ protocol: 'udp', port: 8080, address: undefined }] }], 'who sent datagrams there before is asked anew where they lead');
});

test('numbers that are no ports, and ports that clients may not choose, are refused before anything is done', async () => {
  const { host, containers, create } = makeTestContainers(undefined, { ...testConfiguration, port: { ...testConfiguration.port, own: { first: 1024, last: 2000 } } });
  const container = await create();
  host.calls.length = 0;
  for (const port of [0, 65_536, 70_000, 4_294_967_295]) {
    for (const request of [{ hostPort: port }, { containerPort: port }]) {
      await assert.rejects(openPort(containers, container, { ...tcp, ...request }), { code: 'invalid_argument', message: /must be between 1 and 65535/ });
      await assert.rejects(closePort(containers, container, { ...tcp, ...request }), { code: 'invalid_argument' });
    }
  }
  for (const hostPort of [22, 1023, 2001, 61_001]) await assert.rejects(openPort(containers, container, { ...tcp, hostPort }), { code: 'permission', message: /1024-2000.*port\.own_ports/ });
  await assert.rejects(closePort(containers, container, tcp), { code: 'invalid_argument', message: /specify host_port/ });
  assert.deepEqual(host.calls, []);
  assert.equal((await openPort(containers, container, { ...tcp, hostPort: 1024 })).hostPort, 1024);
  assert.equal((await openPort(containers, container, tcp)).hostPort, 61_001);
});

test('no port of another container, nor of a program of the machine; one of the pool that a program has is passed over', async () => {
  const { host, containers, create } = makeTestContainers();
  const [one, other] = [await create(), await create()];
  host.listening.add('tcp 22').add('tcp 61001');
  await assert.rejects(openPort(containers, one, { ...tcp, hostPort: 22 }), { code: 'exists', message: /22: a program of this machine listens/ });
  await openPort(containers, one, { ...tcp, hostPort: 8080 });
  for (const container of [one, other]) await assert.rejects(openPort(containers, container, { ...tcp, hostPort: 8080 }), { code: 'exists', message: /leads to a container already/ });
  assert.equal((await openPort(containers, other, tcp)).hostPort, 61_002);
  host.listening.delete('tcp 61001');
  host.listening.delete('tcp 22');
  assert.equal((await openPort(containers, other, { ...tcp, hostPort: 22 })).hostPort, 22, 'a refused port was given back');
  assert.deepEqual([await openPort(containers, other, tcp), await openPort(containers, other, tcp), await openPort(containers, other, tcp)].map(({ hostPort }) => hostPort), [61_003, 61_004, 61_001]);
});

test('no port available: and one that was given back is, as soon as its connections are forgotten', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  for (let port = 61_001; port <= 61_004; port++) assert.equal((await openPort(containers, container, tcp)).hostPort, port);
  await assert.rejects(openPort(containers, container, tcp), { code: 'exhausted', message: /^no port available/ });
  assert.equal((await openPort(containers, container, { protocol: 'udp' })).hostPort, 61_001);
  await closePort(containers, container, { ...tcp, hostPort: 61_002 });
  assert.equal((await openPort(containers, container, tcp)).hostPort, 61_002);
  for (let port = 61_002; port <= 61_004; port++) assert.equal((await openPort(containers, container, { protocol: 'udp' })).hostPort, port);
  host.forgotten.length = 0;
  await closePort(containers, container, { protocol: 'udp', hostPort: 61_002 });
  assert.equal((await openPort(containers, container, { protocol: 'udp' })).hostPort, 61_002);
  assert.deepEqual(host.forgotten[0]?.ports, [{ protocol: 'udp', port: 61_002, address: container.network.containerAddress }]);
  await destroyContainer(containers, container);
  const next = await create();
  assert.equal((await openPort(containers, next, tcp)).hostPort, 61_001);
  assert.deepEqual(host.forgotten.at(-1)?.addresses, [{ first: container.network.containerAddress, last: container.network.containerAddress }]);
});

test('a port is closed first and forgotten then; only one that leads to this container', async () => {
  const { host, containers, create } = makeTestContainers();
  const [container, other] = [await create(), await create()];
  await openPort(containers, container, { ...tcp, hostPort: 8080, containerPort: 80 });
  await openPort(containers, container, { ...tcp, hostPort: 8081, containerPort: 80 });
  host.calls.length = 0;
  for (const request of [{ ...tcp, hostPort: 8082 }, { ...tcp, hostPort: 8080, containerPort: 81 }, { protocol: 'udp', hostPort: 8080 }] as const) {
    await assert.rejects(closePort(containers, container, request), { code: 'not_found' });
  }
  await assert.rejects(closePort(containers, other, { ...tcp, hostPort: 8080 }), { code: 'not_found' });
  assert.deepEqual(host.calls, []);
  assert.deepEqual(await closePort(containers, container, { ...tcp, hostPort: 8080 }), { protocol: 'tcp', hostPort: 8080, containerPort: 80 });
  assert.deepEqual(host.calls.slice(0, 2), ['launcher.changeFirewall', 'depot.writeSnapshot']);
  assert.deepEqual(elementsOf(host), [element(container, 'tcp 8081', 80)]);
  assert.deepEqual(recorded(host, container.id), [{ protocol: 'tcp', hostPort: 8081, containerPort: 80 }]);
});

test('a stopped container gets no port, and its own can be closed', async () => {
  const { containers, create } = makeTestContainers();
  const container = await create();
  await openPort(containers, container, { ...tcp, hostPort: 8080 });
  await stopContainer(containers, container, { kill: true });
  await assert.rejects(openPort(containers, container, tcp), { code: 'wrong_state' });
  await closePort(containers, container, { ...tcp, hostPort: 8080 });
});

test('whichever call fails, no port is open that is not written down, none is lost, and a destroy leaves nothing', async () => {
  for (const moment of ['before', 'after'] as const) {
    for (let call = 1; call <= 2; call++) {
      const { host, containers, create } = makeTestContainers();
      const container = await create();
      await openPort(containers, container, { ...tcp, hostPort: 8080 });
      host.failCall(call, moment);
      await assert.rejects(openPort(containers, container, tcp), /made to fail/);
      host.repair();
      const what = `opening, call ${call}, ${moment}`;
      assert.deepEqual(elementsOf(host), [element(container, 'tcp 8080', 8080)], what);
      assert.deepEqual(container.netIn, [{ protocol: 'tcp', hostPort: 8080, containerPort: 8080 }], what);
      const ports = new Set<number>();
      for (let n = 0; n < 4; n++) ports.add((await openPort(containers, container, tcp)).hostPort);
      assert.equal(ports.size, 4, what);
      await destroyContainer(containers, container);
      assert.deepEqual(host.leftovers(), [], what);
    }
    for (let call = 1; call <= 2; call++) {
      const { host, containers, create } = makeTestContainers();
      const container = await create();
      await openPort(containers, container, { ...tcp, hostPort: 8080 });
      host.failCall(call, moment);
      await assert.rejects(closePort(containers, container, { ...tcp, hostPort: 8080 }), /made to fail/);
      host.repair();
      assert.equal(container.netIn.length, 1);
      await closePort(containers, container, { ...tcp, hostPort: 8080 });
      assert.deepEqual(elementsOf(host), []);
      await destroyContainer(containers, container);
      assert.deepEqual(host.leftovers(), [], `closing, call ${call}, ${moment}`);
    }
  }
});

test('a launcher that dies under it is asked again when it has been started again', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  const { changeFirewall, openUnlessListening } = host.launcher;
  let deaths = 0;
  host.launcher.changeFirewall = async (elements) => {
    if (deaths++ === 0) throw new LauncherGone('killed');
    return changeFirewall(elements);
  };
  assert.equal((await openPort(containers, container, { ...tcp, hostPort: 8080 })).hostPort, 8080);
  deaths = 0;
  host.launcher.openUnlessListening = async (...order) => {
    if (deaths++ === 0) throw new LauncherGone('killed');
    return openUnlessListening(...order);
  };
  assert.equal((await openPort(containers, container, tcp)).hostPort, 61_001);
});

test('a server that is killed while a port of the pool is asked for leaves no record of it: a program of the machine may have it', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create({ handle: 'demo' });
  const { openUnlessListening } = host.launcher;
  host.listening.add('tcp 61001');
  const asked: number[] = [];
  host.launcher.openUnlessListening = async (protocol, port, elements) => {
    asked.push(port);
    assert.deepEqual([recorded(host, container.id) ?? [], container.netIn], [[], []], 'neither the next server nor a load knows of it');
    return openUnlessListening(protocol, port, elements);
  };
  assert.equal((await openPort(containers, container, tcp)).hostPort, 61_002);
  assert.deepEqual(asked, [61_001, 61_002]);
  assert.deepEqual(elementsOf(host), [element(container, 'tcp 61002', 61_002)]);
  assert.deepEqual(recorded(host, container.id), [{ protocol: 'tcp', hostPort: 61_002, containerPort: 61_002 }]);
});

test('no load of the firewall begins between the opening of a port and its record', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create();
  const { openUnlessListening } = host.launcher;
  let load: Promise<void> | undefined;
  host.launcher.openUnlessListening = async (...order) => {
    const isOpen = await openUnlessListening(...order);
    load = containers.firewall.load();
    return isOpen;
  };
  const { load: loadTables } = host.firewall;
  const known: number[] = [];
  host.firewall.load = async (links) => {
    known.push(container.netIn.length);
    return loadTables.call(host.firewall, links);
  };
  await openPort(containers, container, tcp);
  await load;
  assert.deepEqual(known, [1]);
});

test('a restarted server knows the ports and gives none of them to another', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create({ handle: 'demo' });
  await openPort(containers, container, tcp);
  await openPort(containers, container, { protocol: 'udp', hostPort: 53, containerPort: 5353 });
  const after = makeTestContainers(host);
  await adoptContainers(after.containers);
  const adopted = after.containers.get('demo');
  assert.deepEqual(adopted.netIn, [{ protocol: 'tcp', hostPort: 61_001, containerPort: 61_001 }, { protocol: 'udp', hostPort: 53, containerPort: 5353 }]);
  const other = await after.create();
  assert.equal((await openPort(after.containers, other, tcp)).hostPort, 61_002);
  await assert.rejects(openPort(after.containers, other, { protocol: 'udp', hostPort: 53 }), { code: 'exists' });
  await closePort(after.containers, adopted, { ...tcp, hostPort: 61_001 });
  for (const each of after.containers.all()) await destroyContainer(after.containers, each);
  assert.deepEqual(host.leftovers(), []);
});
