/* /proc, /sys and /dev: masked, read-only, and without foreign device nodes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { readProc } from '../harness/processes.js';

/** /dev/mem is no container's; a second /dev/zero shows that it is the place of a node that counts. */
function makeNodes(directory: string): void {
  execFileSync('mknod', ['-m', '666', `${directory}/image-mem`, 'c', '1', '1']);
  execFileSync('mknod', ['-m', '666', `${directory}/image-zero`, 'c', '1', '5']);
}
const server = useServer({ rootfs: { change: makeNodes } });

const MASKED = [
  '/proc/acpi', '/proc/asound', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/pressure', '/proc/sched_debug', '/proc/scsi',
  '/proc/timer_list', '/proc/timer_stats', '/sys/devices/virtual/powercap', '/sys/firmware',
];
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

for (const path of MASKED) {
  test(`${path} shows nothing`, async () => {
    const { client, handle } = await server.container();
    const script = `if [ -d ${path} ]; then ls -A ${path}; elif [ -e ${path} ]; then head -c 100 ${path}; fi 2>/dev/null; true`;
    for (const privileged of [false, true]) assert.equal((await client.run(handle, script, { privileged })).stdout, '', path);
  });
}

test('at least one masked path has something to hide on this machine', () => {
  const readable = MASKED.filter((path) => existsSync(path) && /interrupts|timer_list|keys/.test(path)).filter((path) => readFileSync(path).length > 0);
  assert.ok(readable.length > 0);
});

for (const path of READ_ONLY) {
  test(`${path} is read-only`, async () => {
    const { client, handle } = await server.container();
    const script = `[ -e ${path} ] || exit 0; f=$(find ${path} -type f -perm /200 2>/dev/null | head -20); for f in $f; do (exec 3<>$f) 2>/dev/null && echo "$f"; done; true`;
    assert.equal((await client.run(handle, script, { privileged: true })).stdout, '');
  });
}

test('nothing below /proc and /sys can be opened for writing but a process\'s own files', async () => {
  const { client, handle } = await server.container();
  // What masks a file is /dev/null, which is no regular file any more and may well be written to.
  const script = 'find /proc /sys -type f -perm /222 -not -path "/proc/[0-9]*" -not -path "/proc/self/*" -not -path "/proc/thread-self/*" 2>/dev/null > /tmp/list; '
    + 'while read f; do [ -f "$f" ] && (exec 3<>"$f") 2>/dev/null && echo "$f"; done < /tmp/list; wc -l < /tmp/list >&2';
  for (const privileged of [false, true]) {
    const { stdout, stderr } = await client.run(handle, script, { privileged });
    assert.equal(stdout, '');
    assert.ok(Number(stderr) > 100, `only ${stderr} candidates: the probe looked at nothing`);
  }
});

test('/proc and /sys are their own file systems, not what an image put there', async () => {
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'stat -f -c %T /proc /sys')).split('\n')[0], 'proc');
  const [pid] = await server.pidsOf(handle);
  const mounts = readProc(pid ?? 0, 'mountinfo').split('\n');
  const proc = mounts.find((line) => / \/ \/proc /.test(line)) ?? '';
  assert.match(proc, /nosuid/);
  assert.match(proc, /nodev/);
  assert.match(proc, /noexec/);
  assert.ok(mounts.every((line) => !/cgroup/.test(line.split(' - ')[1] ?? '')), 'no cgroup file system inside');
});

test('mount points of a container are those we know', async () => {
  const { client, handle } = await server.container();
  await client.run(handle, 'true');
  const [pid] = await server.pidsOf(handle);
  const mounts = readProc(pid ?? 0, 'mountinfo').trim().split('\n').map((line) => line.split(' ')[4] ?? '');
  for (const mount of mounts) assert.match(mount, /^\/($|usr$|bin$|sbin$|lib(64|32|x32)?$|proc(\/|$)|sys(\/|$)|dev(\/|$))/, mount);
  const rootOptions = readProc(pid ?? 0, 'mountinfo').split('\n').find((line) => line.split(' ')[4] === '/') ?? '';
  assert.match(rootOptions, /nodev/);
  assert.match(rootOptions, / - overlay /);
  assert.ok(!readProc(pid ?? 0, 'mountinfo').includes('shared:'), 'no mount propagates');
});

test('device nodes cannot be made, nor those of an image opened', async () => {
  const { client, handle } = await server.container();
  for (const kind of ['b 8 0', 'b 254 0', 'c 1 1', 'c 10 237']) {
    const script = `mknod /tmp/node ${kind} 2>/dev/null && echo made; true`;
    assert.equal((await client.run(handle, script, { privileged: true })).stdout, '', kind);
  }
  for (const privileged of [false, true]) {
    const script = 'for n in /image-mem /image-zero; do test -c $n || test -e $n || echo missing; head -c 1 $n >/dev/null 2>&1 && echo read $n; done; true';
    assert.equal((await client.run(handle, script, { privileged })).stdout, '');
  }
});

test('the node in the image can be read on the host: it is nodev that stops it inside', () => {
  const descriptor = openSync(`${server.paths.rootfs}/image-zero`, 'r');
  assert.equal(readSync(descriptor, Buffer.alloc(4, 1)), 4);
  closeSync(descriptor);
});

test('/dev cannot be changed, and has no nodes but the known', async () => {
  const { client, handle } = await server.container();
  const nodes = output(await client.run(handle, 'find /dev -xdev \\( -type c -o -type b \\) | sort'));
  assert.deepEqual(nodes.trim().split('\n'), ['/dev/full', '/dev/null', '/dev/random', '/dev/tty', '/dev/urandom', '/dev/zero']);
  const script = '(touch /dev/new || rm /dev/null || ln -s /etc/passwd /dev/x || mv /dev/zero /dev/z || chmod 600 /dev/null) 2>/dev/null && echo changed; true';
  assert.equal((await client.run(handle, script, { privileged: true })).stdout, '');
});

test('/dev/shm is a limited tmpfs of the container\'s own', async () => {
  const [one, two] = [await server.container(), await server.container()];
  await one.client.run(one.handle, 'echo secret > /dev/shm/x');
  assert.equal((await two.client.run(two.handle, 'ls /dev/shm')).stdout, '');
  const blocks = Number(output(await one.client.run(one.handle, 'stat -f -c "%b" /dev/shm')));
  const size = blocks * Number(output(await one.client.run(one.handle, 'stat -f -c "%S" /dev/shm')));
  assert.ok(size > 0 && size <= 4 * 1024 ** 3, `${size} bytes`);
});
