/* The Debian package: built, installed beside a systemd of its own, upgraded while a container runs, removed and purged. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Client } from '../harness/client.js';
import { output } from '../harness/expect.js';
import { CGROUPS, FreshRoot } from '../harness/fresh-root.js';
import { repository } from '../harness/paths.js';
import { mustRun } from '../harness/run-program.js';
import type { Finished } from '../harness/run-program.js';
import { cgroupParents, takeSlot } from '../harness/slot.js';
import type { Slot } from '../harness/slot.js';

const SOCKET = '/run/warden/warden.sock';
const UNITS = ['warden.service', 'warden.socket'];
/** What adding a group and removing it leave, whoever does it; systemd's name of the machine; dpkg's own records. */
const NOT_OURS = /^\/etc\/(?:group|gshadow)-?$|^\/etc\/(?:\.pwd\.lock|machine-id)$|^\/var\/(?:lib\/dpkg|log\/dpkg\.log|cache\/man)|^\/run\/(?:mount|lock|credentials|utmp|user|log|udev)/;

let slot: Slot;
let machine: FreshRoot;
let first: string;
let second: string;
let untouched: Set<string>;

async function buildPackage(version: string): Promise<string> {
  const path = await mustRun(process.execPath, [`${repository}/scripts/package/deb.mjs`, '--version', version, '--output', `${slot.directory}/packages`, '--compression', 'gzip'], { timeoutMs: 60_000 });
  return path.trim();
}

/** Copies a package in, and has dpkg install it. */
async function install(path: string): Promise<Finished> {
  const inside = '/tmp/warden.deb';
  copyFileSync(path, machine.path(inside));
  const finished = await machine.attempt('dpkg', [...(await hasNode() ? [] : ['--force-depends']), '--install', inside], { timeoutMs: 60_000 });
  assert.equal(finished.status, 0, finished.stderr);
  return finished;
}

/** Node may have come to this machine in another way than by a package. */
async function hasNode(): Promise<boolean> {
  return (await machine.attempt('dpkg-query', ['--status', 'nodejs'])).status === 0;
}

const connect = (): Promise<Client> => Client.connect(machine.path(SOCKET));
const stateOf = async (unit: string): Promise<string> => (await machine.attempt('systemctl', ['is-active', unit])).stdout.trim();
const warden = async (...words: string[]): Promise<string> => await machine.run('warden', words);

/** Own numbers for what is the whole machine's, control groups. */
function configure(): void {
  mkdirSync(machine.path('/etc/warden/conf.d'), { recursive: true });
  machine.write('/etc/warden/conf.d/test.yml', JSON.stringify({ server: { cgroup_root: CGROUPS, cgroup_parent: slot.cgroupParent }, health_check_server: { port: 0 }, logging: { file: '/var/log/warden/wardend.log' } }));
}

const undo: (() => unknown)[] = [];
before(async () => {
  slot = await takeSlot();
  undo.push(() => { slot.release(); });
  mkdirSync(slot.directory, { recursive: true });
  undo.push(() => { rmSync(slot.directory, { recursive: true, force: true }); });
  [first, second] = await Promise.all([buildPackage('0.1.0'), buildPackage('0.1.1')]);
  machine = await FreshRoot.open(slot);
  undo.push(() => machine.close());
  untouched = machine.entries();
});

after(async () => {
  for (const step of undo.reverse()) await step();
});

test('what the same checkout makes differs in nothing but its version', async () => {
  const entries = async (path: string): Promise<string[]> => (await mustRun('dpkg-deb', ['--contents', path])).split('\n').map((line) => line.replace(/^(\S+ \S+) +\d+ /, '$1 '));
  assert.deepEqual(await entries(second), await entries(first));
  const sums = async (path: string): Promise<string[]> => (await mustRun('dpkg-deb', ['--info', path, 'md5sums'])).split('\n');
  const before = await sums(first);
  const different = (await sums(second)).filter((line) => !before.includes(line)).map((line) => line.replace(/^\S+ +/, ''));
  assert.deepEqual(different, ['usr/share/doc/warden/changelog.Debian.gz', 'usr/share/man/man1/warden.1.gz', 'usr/share/man/man5/warden.yml.5.gz', 'usr/share/man/man8/wardend.8.gz']);
});

test('an installed server is started by systemd and makes containers', async () => {
  configure();
  const { stdout, stderr } = await install(first);
  assert.doesNotMatch(stderr, /could not be started/);
  assert.match(stdout, /host was assembled from this machine's \/usr/);
  for (const unit of UNITS) {
    assert.equal(await stateOf(unit), 'active', machine.read('/var/log/warden/wardend.log'));
    assert.equal((await machine.attempt('systemctl', ['is-enabled', unit])).stdout, 'enabled\n');
  }
  assert.equal((await machine.run('stat', ['--format', '%a %U %G', SOCKET])).trim(), '660 root warden');
  assert.match(await machine.run('systemctl', ['show', '-P', 'StatusText', 'warden.service']), /0 containers/);
  assert.equal(await warden('ping'), 'pong\n');
  assert.equal(await warden('create', '--handle', 'demo'), 'handle : demo\n');
  assert.match(await warden('--', 'run', '--handle', 'demo', '--script', 'id -un; test -x /usr/bin/env && hostname'), /^vcap\ndemo\n$/);
  const { status } = await machine.attempt('warden', ['--', 'run', '--handle', 'demo', '--script', 'exit 3']);
  assert.equal(status, 3);
  assert.equal(await machine.run('dpkg', ['--verify', 'warden']), '', 'what is there is what was in the package');
});

test('its man pages are found by their names', async () => {
  for (const [name, text] of [['warden', 'LIMIT'], ['wardend', '--check-config'], ['warden.yml', 'server.job_output_limit']] as const) {
    const page = await machine.run('man', ['--no-hyphenation', name]);
    assert.match(page, /^[A-Z.]+\(\d\)/);
    assert.ok(page.toUpperCase().includes(text.toUpperCase()), `${text} in ${name}`);
  }
});

test('what else is installed finds what it needs', async () => {
  const findings = await machine.run('warden', ['doctor']);
  for (const finding of ['configuration: right', 'root file system: /var/lib/warden-rootfs/host', 'overlay file systems', 'socket: /run/warden/warden.sock (mode 0660, group warden)']) assert.ok(findings.includes(`ok    ${finding}\n`), `${finding} in\n${findings}`);
  assert.match(await machine.run('bash', ['-c', 'source /usr/share/bash-completion/completions/warden && COMP_WORDS=(warden de) COMP_CWORD=1 COMP_LINE="warden des" COMP_POINT=10 && _warden && echo "${COMPREPLY[@]}"']), /\bdestroy\b/);
  assert.equal(await machine.run('warden', ['config', 'check']), 'the configuration is right\n');
});

test('the examples of warden(1) say what happens', async () => {
  const [, block = ''] = /^## EXAMPLES\n\n```\n([^]*?)```$/m.exec(readFileSync(`${repository}/packaging/man/warden.1.md`, 'utf8')) ?? [];
  const examples = block.split(/^\$ /m).slice(1).map((text) => /^(.*)\n([^]*)$/.exec(text)?.slice(1) ?? []);
  assert.ok(examples.length > 5, block);
  mkdirSync(machine.path('/tmp/src'));
  for (const [command = '', expected = ''] of examples) assert.equal(await machine.run('bash', ['-c', `cd /tmp; ${command.replaceAll('demo', 'example')}`]), expected.replaceAll('demo', 'example'), command);
});

test('an upgrade restarts the server, and ends no job; changed configuration stays', async () => {
  const client = await connect();
  assert.equal(output(await client.run('demo', 'mkfifo /tmp/go')), '');
  const jobId = await client.spawn('demo', 'echo before; read line </tmp/go; echo "$line"; exit 7');
  const pid = await machine.run('systemctl', ['show', '-P', 'MainPID', 'warden.service']);
  machine.write('/etc/warden/config.yml', `${machine.read('/etc/warden/config.yml')}# changed by hand\n`);
  await install(second);
  assert.notEqual(await machine.run('systemctl', ['show', '-P', 'MainPID', 'warden.service']), pid);
  assert.match(await machine.run('dpkg-query', ['--show', 'warden']), /0\.1\.1-1/);
  assert.match(machine.read('/etc/warden/config.yml'), /# changed by hand\n$/);
  client.close();
  const next = await connect();
  assert.equal(output(await next.run('demo', 'echo after >/tmp/go')), '');
  const { status, stdout } = await next.link('demo', jobId);
  assert.deepEqual([status, stdout], [7, 'before\nafter\n']);
  next.close();
});

test('a removal destroys the containers and keeps configuration and images', async () => {
  const said = await machine.run('dpkg', ['--remove', 'warden'], { timeoutMs: 60_000 });
  assert.match(said, /^1 container destroyed$/m);
  for (const unit of UNITS) assert.equal(await stateOf(unit), 'inactive');
  assert.deepEqual(await machine.processes(), []);
  assert.deepEqual([existsSync(machine.path('/usr/lib/warden')), existsSync(machine.path('/usr/sbin/wardend'))], [false, false]);
  assert.match(machine.read('/etc/warden/config.yml'), /# changed by hand\n$/);
  assert.ok(existsSync(machine.path('/var/lib/warden/images')));
  assert.equal(await machine.run('nft', ['list', 'tables']), '');
});

test('containers that cannot be destroyed stay behind their firewall, and another installation finds them', async () => {
  await install(second);
  await warden('create', '--handle', 'left');
  machine.write('/etc/warden/conf.d/wrong.yml', 'server: {no_such_key: 1}\n');
  const { status, stderr } = await machine.attempt('dpkg', ['--remove', 'warden'], { timeoutMs: 60_000 });
  assert.equal(status, 0);
  assert.match(stderr, /unknown key server\.no_such_key[^]*could not be destroyed/);
  assert.ok((await machine.processes()).some((line) => line.includes('wshd: left')));
  assert.match(await machine.run('nft', ['list', 'tables']), /table inet warden\n/);
  assert.match((await install(second)).stderr, /^warden: the service could not be started: journalctl -u warden\.service says why$/m);
  rmSync(machine.path('/etc/warden/conf.d/wrong.yml'));
  await machine.run('systemctl', ['reset-failed', ...UNITS]);
  await machine.run('systemctl', ['start', ...UNITS]);
  assert.equal(await warden('list'), 'handles[0] : left\n');
});

test('a removal on a machine without systemd ends a server that was started by hand', async () => {
  await machine.run('systemctl', ['stop', ...UNITS]);
  // By this directory a package knows that there is systemd: sd_booted(3).
  renameSync(machine.path('/run/systemd/system'), machine.path('/run/systemd/away'));
  await machine.run('bash', ['-c', 'setsid wardend </dev/null >/dev/null 2>&1 & until warden ping >/dev/null 2>&1; do :; done'], { timeoutMs: 60_000 });
  assert.equal(await warden('list'), 'handles[0] : left\n');
  const said = await machine.run('dpkg', ['--remove', 'warden'], { timeoutMs: 60_000 });
  assert.match(said, /^1 container destroyed$/m);
  assert.deepEqual(await machine.processes(), []);
  assert.equal(await machine.run('nft', ['list', 'tables']), '');
  renameSync(machine.path('/run/systemd/away'), machine.path('/run/systemd/system'));
  await install(second);
  await warden('create', '--handle', 'left');
});

test('a purge leaves nothing, also when no server answered any more', async () => {
  await machine.run('systemctl', ['stop', ...UNITS]);
  assert.ok((await machine.processes()).some((line) => line.includes('wshd: left')), 'the container outlives its server');
  rmSync(machine.path('/tmp/warden.deb'));
  const said = await machine.run('dpkg', ['--remove', 'warden'], { timeoutMs: 60_000 });
  assert.match(said, /^1 container destroyed$/m);
  // What an administrator has added to the configuration is theirs to remove.
  rmSync(machine.path('/etc/warden/conf.d/test.yml'));
  await machine.run('dpkg', ['--purge', 'warden'], { timeoutMs: 60_000 });
  assert.deepEqual([...machine.entries()].filter((path) => !untouched.has(path) && !NOT_OURS.test(path)), []);
  for (const path of ['/etc/warden', '/var/lib/warden', '/var/lib/warden-rootfs', '/var/log/warden', '/run/warden', '/usr/share/doc/warden']) assert.equal(existsSync(machine.path(path)), false, path);
  assert.deepEqual(machine.mountsBelow('/var/lib'), ['/var/lib/dpkg']);
  assert.deepEqual(await machine.processes(), []);
  assert.notEqual((await machine.attempt('getent', ['group', 'warden'])).status, 0);
  assert.deepEqual(cgroupParents(slot), []);
});
