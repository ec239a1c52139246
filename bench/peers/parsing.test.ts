import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from '../options.js';
import { parseHierarchies } from './cgroups.js';
import { refusal } from './docker-api.js';
import { configurationOf } from './lxc.js';
import { parsePeers, peerNames } from './names.js';
import { containerOf } from './oci-runtime.js';
import { firstError, hasAll, parseSimulation, upstreamVersion } from './packages.js';
import { lastWords } from './world.js';

const rootFileSystem = { directory: '/depot/rootfs', mounts: [{ source: '/usr', destination: '/usr' }] };

test('--peers stands alone or with names, and nothing else selects a peer', () => {
  assert.equal(parseOptions([])?.peers.size, 0);
  assert.deepEqual([...parseOptions(['--peers'])?.peers ?? []], peerNames);
  assert.deepEqual([...parseOptions(['--peers', '--quick'])?.peers ?? []], peerNames);
  assert.deepEqual([...parseOptions(['--peers', 'docker,runc', '--quick'])?.peers ?? []], ['docker', 'runc']);
  assert.deepEqual([...parseOptions(['--peers=lxc'])?.peers ?? []], ['lxc']);
  const alone = parseOptions(['--only', 'peers']);
  assert.deepEqual([alone?.only.size, alone?.peers.size], [0, peerNames.length]);
  assert.deepEqual([...parseOptions(['--only', 'ping,peers', '--peers', 'crun'])?.only ?? []], ['ping']);
});

test('unknown peers are refused, and places that peers do not share with the host', () => {
  assert.throws(() => parsePeers('runc,rkt'), /--peers: rkt is none of runc, crun,/);
  assert.throws(() => parsePeers(''), /--peers: nothing is none of/);
  assert.throws(() => parseOptions(['--peers', '--directory', '/var/lib/bench']), /must not be below/);
  assert.equal(parseOptions(['--directory', '/var/lib/bench'])?.directory, '/var/lib/bench');
});

test('hierarchies: each once, named ones without controllers, the v2 tree', () => {
  const mounts = [
    'tmpfs /sys/fs/cgroup tmpfs rw,mode=755 0 0', 'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,relatime,cpu,cpuacct 0 0',
    'cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,xattr,release_agent=/lib/systemd/agent,name=systemd 0 0', 'cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nsdelegate 0 0',
    'cgroup /elsewhere/cpu cgroup rw,cpu,cpuacct 0 0', '',
  ].join('\n');
  assert.deepEqual(parseHierarchies(mounts), [
    { mountPoint: '/sys/fs/cgroup/cpu,cpuacct', controllers: 'cpu,cpuacct' }, { mountPoint: '/sys/fs/cgroup/systemd', controllers: 'none,name=systemd' },
    { mountPoint: '/sys/fs/cgroup/unified', controllers: undefined },
  ]);
});

test('packages that a simulation would install, new and upgraded ones', () => {
  const output = [
    'Reading package lists...', 'Inst login [1:4.13+dfsg1-1+deb12u1] (1:4.13+dfsg1-1+deb12u2 Debian:12.15/oldstable [amd64])',
    'Inst runc (1.1.5+ds1-1+deb12u1 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64])', 'Conf runc (1.1.5+ds1-1+deb12u1 Debian:12.15/oldstable [amd64])',
  ].join('\n');
  assert.deepEqual(parseSimulation(output), [{ name: 'login', version: '1:4.13+dfsg1-1+deb12u2' }, { name: 'runc', version: '1.1.5+ds1-1+deb12u1' }]);
});

test('what was unpacked for more peers is enough for fewer, in the same versions only', () => {
  const list = 'crun 1.8\nrunc 1.1.5';
  assert.equal(hasAll(list, [{ name: 'runc', version: '1.1.5' }]), true);
  assert.equal(hasAll(list, [{ name: 'runc', version: '1.1.6' }]), false);
  assert.equal(hasAll(list, [{ name: 'crun', version: '1.8' }, { name: 'lxc', version: '5' }]), false);
});

test('versions as the authors of a program count them', () => {
  const cases = { '1:5.0.2-1+deb12u4': '5.0.2', '1.1.5+ds1-1+deb12u1': '1.1.5', '20.10.24+dfsg1-1+deb12u1+b6': '20.10.24', '1.6.20~ds1-1+deb12u3': '1.6.20', '252.39-1~deb12u2': '252.39', '1.8.1': '1.8.1' };
  for (const [debian, upstream] of Object.entries(cases)) assert.equal(upstreamVersion(debian), upstream);
});

test('what was wrong, out of what programs print', () => {
  assert.equal(firstError('Reading package lists...\nE: Unable to locate package crun\nE: other\n'), 'Unable to locate package crun');
  assert.equal(firstError('apt-get: not found\n'), 'apt-get: not found');
  assert.equal(lastWords('one\n\n two \nthree\nfour\n'), 'two · three · four');
  assert.equal(lastWords(''), 'nothing');
  assert.equal(refusal('POST', '/x', 409, '{"message":"in use"}').message, 'POST /x: 409 in use');
  assert.equal(refusal('GET', '/x', 502, 'no daemon\n').message, 'GET /x: 502 no daemon');
});

test('a runtime keeps what its own spec says, with our root and no terminal', () => {
  const spec = JSON.stringify({ ociVersion: '1.0.2', process: { terminal: true, args: ['sh'], cwd: '/' }, linux: { namespaces: [] }, mounts: [{ destination: '/proc', type: 'proc', source: 'proc', options: [] }] });
  assert.deepEqual(containerOf(spec, rootFileSystem), {
    ociVersion: '1.0.2', process: { terminal: false, args: ['/usr/bin/sleep', 'infinity'], cwd: '/' }, linux: { namespaces: [] }, root: { path: '/depot/rootfs', readonly: true },
    mounts: [{ destination: '/usr', type: 'bind', source: '/usr', options: ['bind', 'ro'] }, { destination: '/proc', type: 'proc', source: 'proc', options: [] }],
  });
});

test('an LXC container has an overlay, /usr relative to its root, and its link', () => {
  const text = configurationOf('one', '/depot/one', ['lxc.net.0.type = empty'], rootFileSystem);
  assert.match(text, /^lxc\.rootfs\.path = overlay:\/depot\/rootfs:\/depot\/one\/upper$/m);
  assert.match(text, /^lxc\.mount\.entry = \/usr usr none bind,ro 0 0$/m);
  assert.match(text, /^lxc\.net\.0\.type = empty$/m);
});
