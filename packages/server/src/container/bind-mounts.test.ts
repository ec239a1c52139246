import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BindMountMode } from 'warden-protocol';
import { adoptContainers } from './adopt.js';
import { checkBindMounts, checkSourceCount, openBindMounts } from './bind-mounts.js';
import { describeContainer } from './describe.js';
import { infoWithUse } from './info.js';
import { makeTestContainers } from './test-containers.js';

const { RO, RW } = BindMountMode;

test('a mount is checked without looking at the machine', () => {
  const check = (srcPath: string, dstPath: string, mode = RO) => checkBindMounts([{ srcPath, dstPath, mode }]);
  assert.deepEqual(check('/a', 'b/../c', RW), [{ source: '/a', destination: 'b/../c', mode: 'rw' }]);
  for (const source of ['', 'a', '/a\0', `/${'x'.repeat(4095)}`]) assert.throws(() => check(source, '/b'), { code: 'not_found', message: `Source path for bind mount does not exist: ${source}` });
  for (const destination of ['', '/', '.', '/..', '../..', './/', '/a\0', `/${'x'.repeat(256)}`, '/x'.repeat(2100)]) assert.throws(() => check('/a', destination), { code: 'invalid_argument' });
  assert.throws(() => checkBindMounts(Array.from({ length: 101 }, () => ({ srcPath: '/a', dstPath: '/b', mode: RO }))), { code: 'invalid_argument', message: /101 are too many, the limit is 100/ });
});

test('layers and mounts together are what a monitor can be given', () => {
  checkSourceCount(128, 62);
  assert.throws(() => checkSourceCount(128, 63), { code: 'invalid_argument', message: /128 layers and 63 mounts/ });
});

test('whose files they are: by mode and configuration', async () => {
  const { containers } = makeTestContainers();
  const mounts = checkBindMounts([{ srcPath: '/a', dstPath: 'x', mode: RO }, { srcPath: '/a.txt', dstPath: '/y', mode: RW }]);
  const common = { recursive: false, resolved: true };
  assert.deepEqual(openBindMounts(containers, mounts, true).described, [
    { source: '/a', destination: '/x', readOnly: true, isFile: false, ids: 'mapped', ...common },
    { source: '/a.txt', destination: '/y', readOnly: false, isFile: true, ids: 'mapped-for-root', ...common },
  ]);
  assert.deepEqual(openBindMounts(containers, mounts, false).described.map(({ ids }) => ids), ['mapped', 'host']);
});

test('what living containers can write to is told to whoever resolves a source', async () => {
  const { host, containers, create } = makeTestContainers();
  const seen: (readonly string[])[] = [];
  const { open } = host.bindSources;
  Object.assign(host.bindSources, { open: (path: string, writable: readonly string[]) => (seen.push(writable), open(path, writable)) });
  for (let round = 0; round < 2; round++) await create({ bindMounts: [{ srcPath: '/shared', dstPath: '/a', mode: RW }, { srcPath: '/shown', dstPath: '/b', mode: RO }] });
  await create();
  openBindMounts(containers, checkBindMounts([{ srcPath: '/other', dstPath: '/a', mode: RO }]), true);
  assert.deepEqual(seen, [[], [], ['/shared'], ['/shared'], ['/shared']]);
});

test('they follow those of the root file system, are known after a restart, and cost root of the container the right to give capabilities to files', async () => {
  const { host, containers, create } = makeTestContainers();
  const container = await create({ handle: 'demo', bindMounts: [{ srcPath: '/a', dstPath: '/b', mode: RW }] });
  const { described } = openBindMounts(containers, container.bindMounts, true);
  const parts = { identification: container, hooks: [], cgroups: [], firewallElements: [], nameServers: [], deadlineMs: 1, lang: 'C', syslogSocket: '/l' };
  const rootFileSystem = { lowers: ['/r'], mounts: [{ source: '/usr', destination: '/usr', readOnly: true, recursive: false }] };
  const description = describeContainer({ ...parts, rootFileSystem, bindMounts: described });
  assert.deepEqual(description.mounts.map(({ destination }) => destination), ['/usr', '/b']);
  const setFileCapabilities = 1n << 31n;
  assert.equal(description.privilegedCapabilities & setFileCapabilities, 0n);
  for (const bindMounts of [[], described.map((mount) => ({ ...mount, readOnly: true })), described.map((mount) => ({ ...mount, ids: 'host' as const }))]) {
    assert.equal(describeContainer({ ...parts, rootFileSystem, bindMounts }).privilegedCapabilities & setFileCapabilities, setFileCapabilities);
  }

  const later = makeTestContainers(host);
  await adoptContainers(later.containers);
  const again = later.containers.get('demo');
  assert.deepEqual(again.bindMounts, [{ source: '/a', destination: '/b', mode: 'rw', path: '/a' }]);
  assert.deepEqual((await infoWithUse(later.containers, again)).bindMounts, [{ srcPath: '/a', dstPath: '/b', mode: RW }]);
});

test('a source that is missing fails the create, and nothing is left', async () => {
  const { host, create } = makeTestContainers();
  await assert.rejects(create({ bindMounts: [{ srcPath: '/missing', dstPath: '/b', mode: RO }] }), { code: 'not_found', message: 'Source path for bind mount does not exist: /missing' });
  assert.deepEqual(host.leftovers(), []);
});
