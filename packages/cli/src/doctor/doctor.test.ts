import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, afterEach, describe, it } from 'node:test';
import { Type, WardenError } from 'warden-protocol';
import { WardenClient } from 'warden-client';
import { FakeServer } from 'warden-client/testing';
import { parseOptions } from '../subcommand/options.js';
import { doctor } from './command.js';
import type { Finding } from './finding.js';
import { checkMachine, type Machine } from './machine.js';
import { checkServer, checkSocket } from './server.js';

const directory = mkdtempSync(join(tmpdir(), 'doctor-'));
after(() => rmSync(directory, { recursive: true }));

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
});

const [programs, rootfs] = [join(directory, 'programs'), join(directory, 'rootfs')];
for (const path of [programs, join(rootfs, 'bin'), join(directory, 'bin')]) mkdirSync(path, { recursive: true });
for (const name of ['launcher', 'monitor', 'wshd', 'files', 'archive', 'seccomp.bpf', '../rootfs/bin/bash', '../bin/nft', '../bin/mkfs.btrfs', '../bin/ip']) writeFileSync(join(programs, name), '', { mode: 0o755 });

const settings: Readonly<Record<string, unknown>> = { 'server.container_depot_path': '/depot', 'server.container_rootfs_path': rootfs, 'server.programs_path': programs };
const machine: Machine = {
  isRoot: true, path: join(directory, 'bin'), nodeVersion: '22.1.0', limits: () => 'Limit\nMax open files            20000                20000                files     \n',
  settings: async () => new Map(Object.entries(settings)), kernel: async () => [{ level: 'ok', text: 'kernel 6.1' }],
};
const root = { uid: 0, groups: [0] };

function worst(findings: readonly Finding[], level: Finding['level']): string[] {
  return findings.filter((finding) => finding.level === level).map(({ text }) => text);
}

describe('the machine', () => {
  it('is right when everything is there', async () => {
    const findings = await checkMachine(machine, []);
    assert.deepEqual([worst(findings, 'fail'), worst(findings, 'warn')], [[], []]);
    assert.ok(findings.some(({ text }) => text === 'kernel 6.1'));
  });

  it('says what is wrong, and what to do', async () => {
    const other = (changes: Readonly<Record<string, unknown>>): Machine => ({ ...machine, settings: async () => new Map(Object.entries({ ...settings, ...changes })) });
    for (const [broken, pattern] of [
      [{ ...machine, nodeVersion: '18.19.0' }, /^node 18\.19\.0 is too old\. Install 20\.19/],
      [{ ...machine, settings: () => Promise.reject(new WardenError('invalid_argument', 'server.nope: unknown key')) }, /^configuration: server\.nope: unknown key$/],
      [{ ...machine, kernel: () => Promise.reject(new Error('not here')) }, /^kernel: the checks failed \(not here\)/],
      [{ ...machine, kernel: async () => [{ level: 'fail', text: 'cgroups: none' }] }, /^cgroups: none$/],
      [other({ 'server.programs_path': rootfs }), /^native programs: .* has no launcher, monitor, wshd, files, archive, seccomp\.bpf\. Build them/],
      [other({ 'server.container_rootfs_path': join(directory, 'nowhere') }), /^root file system: there is no .*nowhere\. Make one/],
      [other({ 'server.container_rootfs_path': programs }), /^root file system: .* has no \/bin\/bash/],
      [other({ 'server.container_rootfs_path': join(programs, 'launcher') }), /is no directory/],
    ] as const) {
      const failed = worst(await checkMachine(broken as Machine, []), 'fail');
      assert.equal(failed.length, 1, failed.join('\n'));
      assert.match(failed[0] as string, pattern);
    }
    for (const [weak, pattern] of [
      [{ ...machine, isRoot: false }, /^kernel: not looked at, which only root can do/],
      [{ ...machine, limits: () => 'Max open files            1024                 1024                 files     \n' }, /^open files: at most 1024/],
    ] as const) assert.match(worst(await checkMachine(weak, []), 'warn').join('\n'), pattern);
  });

  it('looks for less where containers are plain processes, and says that they are', async () => {
    const plain: Machine = { ...machine, isRoot: false, path: '/nowhere', settings: async () => new Map(Object.entries({ ...settings, 'server.container_klass': 'Insecure', 'server.container_rootfs_path': '/nowhere' })) };
    assert.match(worst(await checkMachine(plain, []), 'fail').join('\n'), /^native programs: \S+ has no plain-monitor\. Build them[^\n]*$/);
    writeFileSync(join(programs, 'plain-monitor'), '', { mode: 0o755 });
    const findings = await checkMachine(plain, []);
    assert.deepEqual(worst(findings, 'fail'), []);
    assert.match(worst(findings, 'warn').join('\n'), /^containers: server\.container_klass is Insecure/);
  });

  it('hands on what belongs to the configuration', async () => {
    let seen: readonly string[] = [];
    const call = parseOptions(doctor(), ['--config', '/x.yml', '--set', 'a.b=c', '--set', 'd.e=f']);
    const command = doctor({ ...machine, settings: async (given) => { seen = given; return new Map(); } }, () => root);
    const stdout = new PassThrough();
    await using client = new WardenClient({ path: join(directory, 'nowhere.sock') });
    assert.equal(await command.run({ ...call, context: { client, streams: { stdin: new PassThrough(), stdout, stderr: new PassThrough() } } }), 1);
    assert.deepEqual(seen, ['--config', '/x.yml', '--set', 'a.b=c', '--set', 'd.e=f']);
    assert.match(String(stdout.read()), /^ok {4}node 22[^]*\nfail {2}socket: there is no [^\n]+\n$/);
  });
});

describe('the way to the server', () => {
  it('is right when it answers', async () => {
    server = await FakeServer.listen({ [Type.List]: () => ({ handles: ['demo'] }), [Type.Info]: () => ({ diskBackend: 'btrfs' }) });
    chmodSync(server.path, 0o660);
    await using client = new WardenClient({ path: server.path });
    const findings = await checkServer(client, root);
    assert.deepEqual(worst(findings, 'fail'), []);
    assert.match(findings.map(({ text }) => text).join('\n'), /^socket: .* \(mode 0660, group \w+\)\nserver: (?:answers in|a ping took) [^\n]+\ndisk limits: btrfs$/);
  });

  it('says who may use the socket', async () => {
    server = await FakeServer.listen({});
    const { path } = server;
    const stranger = { uid: 4242, groups: [4242] };
    chmodSync(path, 0o660);
    assert.match(worst(checkSocket({ path }, stranger), 'fail').join(), /is not open to this user\. Join the group/);
    assert.deepEqual(worst(checkSocket({ path }, { uid: 4242, groups: [process.getgid?.() ?? 0] }), 'fail'), []);
    chmodSync(path, 0o666);
    assert.match(worst(checkSocket({ path }, stranger), 'warn').join(), /is open to everybody/);
    assert.match(worst(checkSocket({ path: join(directory, 'nowhere') }, root), 'fail').join(), /there is no .*nowhere\. Start wardend/);
    assert.match(worst(checkSocket({ path: directory }, root), 'fail').join(), /is no socket/);
    assert.deepEqual(checkSocket({ host: 'x', port: 1 }, stranger), []);
  });

  it('says that nobody answers, or not as a server does', async () => {
    server = await FakeServer.listen({ [Type.List]: () => { throw new WardenError('internal', 'broken'); } });
    await using client = new WardenClient({ path: server.path });
    assert.match(worst(await checkServer(client, root), 'fail').join(), /^server: broken\. Its log says more/);
    const { path } = server;
    await server[Symbol.asyncDispose]();
    server = undefined;
    await using nobody = new WardenClient({ path });
    assert.equal(worst(await checkServer(nobody, root), 'fail').length, 1);
  });
});
