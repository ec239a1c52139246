/* Hooks: programs of the host's that run while a container is made, at four points, with what is known of it. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CreateOptions } from '../harness/client.js';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { commandLine, findProcesses } from '../harness/processes.js';
import { CGROUP_ROOT } from '../harness/slot.js';
import { untilSeen } from '../harness/wait.js';
import { Wardend } from '../harness/wardend.js';

const POINTS = ['parent-before-clone', 'parent-after-clone', 'child-before-pivot', 'child-after-pivot'] as const;
const server = useServer({}, prepare);
const hooks = (): string => join(server.slot.directory, 'hooks');
const report = (name: string): string => join(server.slot.directory, 'reports', name);

/** A command line that nothing else on the machine has. */
const ownSleep = (): string => `sleep ${server.slot.startUid * 10}`;

function program(name: string, text: string): string {
  mkdirSync(hooks(), { recursive: true, mode: 0o755 });
  const path = join(hooks(), name);
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

/** With programs that clients may name. */
async function prepare(): Promise<void> {
  mkdirSync(join(server.slot.directory, 'reports'), { mode: 0o777 });
  chmodSync(join(server.slot.directory, 'reports'), 0o777);
  program('tell', `#!/bin/sh
{ cat; echo "hook $WARDEN_HOOK"; echo "pid $PID"; echo "arguments $*"; env | sort | tr '\\n' ' '; echo; readlink /proc/self/ns/mnt /proc/self/ns/user; id -u; pwd; ls /proc/self/fd | tr '\\n' ' '; } > ${report('$WARDEN_HOOK')}
`);
  program('fail', '#!/bin/sh\necho to nobody\nprintf "no room\\nfor \\033this" >&2\nexit 3\n');
  program('signal', '#!/bin/sh\nkill -9 $$\n');
  program('hang', `#!/bin/sh\necho waiting >&2\n${ownSleep()} & wait\n`);
  program('flood', '#!/bin/sh\nyes flood | head -c 3000000 >&2\necho the end >&2\nexit 1\n');
  program('linger', '#!/bin/sh\nsleep 0.2 &\nexit 0\n');
  program('mark', '#!/bin/sh\necho "marked by $WARDEN_HOOK" > "${1:-/marked}"\n');
  program('mount', '#!/bin/sh\nmkdir -p /mnt/tmp/mounted && mount -t tmpfs -o size=64k none /mnt/tmp/mounted && echo inside > /mnt/tmp/mounted/file\n');
  await server.restart({ hooks: { programs_path: hooks() } });
}

const named = (point: number, name: string, more: object = {}): CreateOptions => ({ hooks: [{ point, program: name, ...more }] });

test('the parent\'s hooks run on the host, as root, with a known environment and a description', async () => {
  const { handle, client } = await server.container({ hooks: [0, 1].map((point) => ({ point, program: 'tell', args: ['a b', '$(id)'] })) });
  const info = await client.info(handle);
  const [pid] = await server.pidsOf(handle);
  for (const point of POINTS.slice(0, 2)) {
    const [json = '', ...lines] = readFileSync(report(point), 'utf8').trim().split('\n');
    const known = JSON.parse(json) as Record<string, unknown>;
    assert.deepEqual([known['handle'], known['hook'], known['container_ip'], known['host_ip'], known['directory']], [handle, point, info.container_ip, info.host_ip, info.container_path]);
    assert.equal(known['pid'], point === 'parent-after-clone' ? pid : undefined);
    assert.equal(lines[0], `hook ${point}`);
    assert.equal(lines[1], point === 'parent-after-clone' ? `pid ${pid}` : 'pid ');
    assert.equal(lines[2], 'arguments a b $(id)');
    assert.doesNotMatch(lines[3] ?? '', /NODE|USER|HOME|LANG/);
    assert.match(lines[3] ?? '', /PATH=\/usr\/sbin:\/usr\/bin:\/sbin:\/bin .*WARDEN_HOOK=/);
    assert.deepEqual(lines.slice(4, 6), ['mnt', 'user'].map((name) => readlinkSync(`/proc/${server.daemon.pid}/ns/${name}`)));
    assert.deepEqual(lines.slice(6, 8), ['0', '/']);
    assert.equal(lines[8], '0 1 2 3');
  }
});

const unified = existsSync(join(CGROUP_ROOT, 'unified')) ? join(CGROUP_ROOT, 'unified') : CGROUP_ROOT;

test('parent-after-clone finds PID 1 in the container\'s cgroups, however late it is', { skip: !existsSync(join(unified, 'cgroup.controllers')) && 'no cgroups of version 2' }, async () => {
  const groups = join(unified, server.slot.cgroupParent);
  const text = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8').trim() : '');
  program('freeze', `#!/bin/sh\nid=$(sed 's/.*"id":"\\([^"]*\\)".*/\\1/')\necho 1 > ${groups}/$id/cgroup.freeze && echo $id > ${report('frozen')}\n`);
  program('groups', `#!/bin/sh\ncat /proc/$PID/cgroup > ${report('groups')}\n`);
  const client = await server.connect();
  const created = client.create({ hooks: [{ point: 0, program: 'freeze' }, { point: 1, program: 'groups' }] });
  await untilSeen('the first hook', () => text(report('frozen')) !== '', () => 'nothing');
  const group = join(groups, text(report('frozen')));
  await untilSeen('PID 1', () => text(join(group, 'cgroup.procs')) !== '', () => 'nobody');
  // As long as that takes the hook would have run, if it waited for nothing.
  const other = await server.connect();
  await other.destroy(await other.create());
  assert.equal(text(report('groups')), '');
  writeFileSync(join(group, 'cgroup.freeze'), '0');
  const [pid] = await server.pidsOf(await created);
  assert.equal(text(report('groups')), text(`/proc/${pid}/cgroup`));
});

test('the child\'s hooks run in the container\'s namespaces: before the pivot beside its root, afterwards in it', async () => {
  const { client, handle } = await server.container({
    hooks: [{ point: 2, program: 'mark', args: ['/mnt/marked-before'] }, { point: 2, program: 'mount' }, { point: 3, program: 'mark', args: ['/marked-after'] }],
  });
  assert.equal(output(await client.run(handle, 'cat /marked-before /marked-after /tmp/mounted/file; stat -c %u /marked-after')), 'marked by child-before-pivot\nmarked by child-after-pivot\ninside\n0\n');
  assert.ok(!existsSync('/mnt/marked-before') && !existsSync('/marked-after'));
  // Nothing of the host is left behind.
  const { stdout } = await client.run(handle, 'cat /proc/self/mountinfo; ls /mnt', { privileged: true });
  assert.ok(!stdout.includes(server.slot.directory.slice(1, 8).concat('/lib')), stdout);
  assert.equal(stdout.split('\n').filter((line) => / \/mnt | \/volume /.test(line)).length, 0, stdout);
});

test('the view of the host before the pivot is read-only, and root of the container has no rights there', async () => {
  program('harm', `#!/bin/sh\ntouch ${report('harm')} /mnt/../etc/harm 2>/dev/null && exit 9\ncat /etc/shadow 2>/dev/null && exit 8\nexit 0\n`);
  const { handle, client } = await server.container(named(2, 'harm'));
  await client.ping();
  assert.ok(handle !== '' && !existsSync(report('harm')));
});

for (const [point, name] of POINTS.entries()) {
  test(`${name}: one that fails fails the create with what it said, and nothing is left`, async () => {
    const client = await server.connect();
    await refused(client.create(named(point, 'fail')), 'unavailable', new RegExp(`^hook ${name} \\(.*/fail exited with status 3: no room for  this\\): the container was not made`));
    await refused(client.create(named(point, 'signal')), 'unavailable', /was killed by signal 9/);
    await refused(client.create(named(point, 'flood')), 'unavailable', /flood flood the end/);
    const beginning = process.hrtime.bigint();
    await refused(client.create(named(point, 'hang', { timeout_ms: 200n })), 'timeout', /hang did not end in time: waiting/);
    assert.ok(process.hrtime.bigint() - beginning < 8_000_000_000n);
    assert.deepEqual(findProcesses((pid) => commandLine(pid) === ownSleep()), []);
    output(await client.run(await client.create(named(point, 'linger')), 'true'));
  });
}

test('hooks of the configuration run for every create, and one that cannot is refused at the start', async () => {
  await server.restart({ hooks: { child_after_pivot: [{ program: join(hooks(), 'mark'), args: ['/configured'], timeout: 5 }], parent_before_clone: [join(hooks(), 'tell')] } });
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'cat /configured')), 'marked by child-after-pivot\n');
  await refused(client.create(named(0, 'tell')), 'permission', /takes none from clients/);
  await client.destroy(handle);
  await server.stop();
  chmodSync(join(hooks(), 'fail'), 0o777);
  for (const [path, reason] of [[join(hooks(), 'fail'), /others than root can change/], [join(hooks(), 'absent'), /hooks.parent_after_clone: there is no program/]] as const) {
    const daemon = Wardend.spawn(server.slot, { hooks: { parent_after_clone: [path] } });
    assert.equal(await daemon.exited(), 1);
    assert.match(readFileSync(daemon.paths.log, 'utf8').trim().split('\n').at(-1) ?? '', reason);
  }
  chmodSync(join(hooks(), 'fail'), 0o755);
  await server.start({ hooks: { programs_path: hooks() } });
});

test('a program that is not there, or no name', async () => {
  const client = await server.connect();
  for (const name of ['absent', '../etc/passwd', '/bin/sh', '']) await refused(client.create(named(1, name)), 'not_found', /^hook .*not found/);
});
