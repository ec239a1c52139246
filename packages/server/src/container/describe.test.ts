import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeContainer, hostnameOf, type DescriptionParts } from './describe.js';
import { idMapOf } from './id-map.js';
import { makeTestContainers } from './test-containers.js';

async function parts(over: Partial<DescriptionParts> = {}, handle = 'demo'): Promise<DescriptionParts> {
  const { create } = makeTestContainers();
  return {
    identification: await create({ handle }),
    rootFileSystem: { lowers: ['/rootfs'], mounts: [] },
    bindMounts: [],
    hooks: [],
    cgroups: [],
    firewallElements: [],
    nameServers: [],
    deadlineMs: 1000,
    lang: 'C',
    syslogSocket: '/run/host/log',
    ...over,
  };
}

async function file(path: string, over: Partial<DescriptionParts>, handle?: string): Promise<string | undefined> {
  return describeContainer(await parts(over, handle)).upperFiles.find((candidate) => candidate.path === path)?.content;
}

test('the map gives container root a host id of its own and vcap the same id on both sides', () => {
  const map = idMapOf({ uid: 10_000, firstSubuid: 0x2000_0000 });
  assert.deepEqual(map, [
    { inside: 0, outside: 0x2000_0000, count: 1 },
    { inside: 1, outside: 0x2000_0001, count: 9_999 },
    { inside: 10_000, outside: 10_000, count: 1 },
    { inside: 10_001, outside: 0x2000_0000 + 10_001, count: 55_535 },
  ]);
});

test('a nested container has the host\'s ids and every capability', async () => {
  const { nested, idMap, privilegedCapabilities } = describeContainer(await parts({ nested: true, bindMounts: [{ source: '/s', destination: '/d', readOnly: false, recursive: false }] }));
  assert.deepEqual([nested, idMap, privilegedCapabilities], [true, [{ inside: 0, outside: 0, count: 65_536 }], 0xffff_ffff_ffff_ffffn]);
  const ordinary = describeContainer(await parts());
  assert.deepEqual([ordinary.nested, ordinary.idMap, ordinary.privilegedCapabilities], [false, idMapOf((await parts()).identification.identity), 0x8004_05fbn]);
});

test('the map covers 0 to 65535 once, whatever the uid', () => {
  for (const uid of [1, 2, 1000, 65_533, 65_534]) {
    const map = idMapOf({ uid, firstSubuid: 65_536 });
    let next = 0;
    for (const { inside, count } of map) {
      assert.equal(inside, next);
      next += count;
    }
    assert.equal(next, 65_536);
    const outside = map.flatMap(({ outside: first, count }) => [first, first + count - 1]);
    assert.equal(new Set(outside).size >= map.length, true);
    assert.ok(map.every(({ inside, outside: first }) => (inside === uid ? first === uid : first === 65_536 + inside)));
  }
});

test('hosts, hostname and accounts', async () => {
  assert.equal(await file('/etc/hosts', {}), '127.0.0.1 localhost\n10.254.0.2 demo\n');
  assert.equal(await file('/etc/hostname', {}), 'demo\n');
  const { accounts, upperDirectories, users } = describeContainer(await parts());
  assert.deepEqual(accounts, [
    { path: '/etc/passwd', name: 'vcap', line: 'vcap:x:10000:10000::/home/vcap:/bin/bash' },
    { path: '/etc/group', name: 'vcap', line: 'vcap:x:10000:' },
  ]);
  assert.deepEqual(upperDirectories.at(-1), { path: '/home/vcap', mode: 0o755, uid: 10_000, gid: 10_000 });
  assert.deepEqual(users.map(({ name, uid, privileged }) => [name, uid, privileged]), [['root', 0, true], ['vcap', 10_000, false]]);
});

test('a handle that cannot be a hostname is replaced by the id', () => {
  const id = '1hq3k5m7o9q';
  assert.equal(hostnameOf('a.b-c', id), 'a.b-c');
  for (const handle of ['x'.repeat(65), 'a b', 'a#b', 'a\u2028b']) assert.equal(hostnameOf(handle, id), id, handle);
});

test('no handle gets a line of its own into a file', async () => {
  for (const handle of ['a 10.0.0.1', '$(id)', '../../etc/passwd', 'x'.repeat(256)]) {
    assert.equal((await file('/etc/hosts', {}, handle))?.split('\n').length, 3, handle);
  }
});

test('resolv.conf: the servers that were chosen, else the host end', async () => {
  const path = '/etc/resolv.conf';
  assert.equal(await file(path, { nameServers: ['192.0.2.1', '192.0.2.2'] }), 'nameserver 192.0.2.1\nnameserver 192.0.2.2\n');
  assert.equal(await file(path, {}), 'nameserver 10.254.0.1\n');
});

test('a privileged job keeps eleven capabilities, none of which reaches beyond the container', async () => {
  const { privilegedCapabilities } = describeContainer(await parts());
  const kept = Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (privilegedCapabilities >> BigInt(bit)) & 1n);
  assert.deepEqual(kept, [0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 31]);
});

test('MAC addresses are local, unicast and follow the address', async () => {
  const { link } = describeContainer(await parts());
  assert.equal(Buffer.from(link.containerMac).toString('hex'), '02000afe0002');
  assert.equal(Buffer.from(link.hostMac).toString('hex'), '02000afe0001');
});

test('the range of groups that may ping covers every group, counted by the host\'s ids', async () => {
  const { pingGroups, idMap } = describeContainer(await parts());
  const hostId = (inside: number): number => {
    const extent = idMap.find((candidate) => candidate.inside <= inside && inside < candidate.inside + candidate.count);
    assert.ok(extent !== undefined);
    return extent.outside + inside - extent.inside;
  };
  const [low = 0, high = 0] = pingGroups.split(' ').map((text) => hostId(Number(text)));
  for (const group of [0, 1, 9_999, 10_000, 10_001, 65_535]) assert.ok(low <= hostId(group) && hostId(group) <= high, String(group));
});

test('only backends by quotas need the monitor for them', async () => {
  for (const [backend, expected] of [['project', 'project'], ['user', 'user'], ['btrfs', undefined], ['none', undefined]] as const) {
    const { identification, ...others } = await parts();
    const disk = { ...identification.disk, backend };
    assert.equal(describeContainer({ ...others, identification: { ...identification, disk } }).quotaKind, expected, backend);
  }
});
