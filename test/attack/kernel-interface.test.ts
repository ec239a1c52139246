/* B: attacks on the kernel's interface. Numbers are those of the security model. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { compileProbe } from '../harness/programs.js';
import { mustRun } from '../harness/run-program.js';

const server = useServer({ rootfs: { probes: ['blocked-calls', 'sockets', 'reach-process', 'terminal-input'] } });

interface Call { readonly entry: string; readonly name: string; readonly answer: string }
const parseCalls = (text: string): Call[] => text.trim().split('\n').map((line) => {
  const [entry = '', name = '', ...answer] = line.split(' ');
  return { entry, name, answer: answer.join(' ') };
});

for (const privileged of [false, true]) {
  const who = privileged ? 'a privileged job' : 'an ordinary job';

  test(`B2, B5, B7 to B10, B16: ${who} makes none of the blocked calls, by no entry`, async () => {
    const { client, handle } = await server.container();
    const calls = parseCalls(output(await client.run(handle, '/probes/blocked-calls', { privileged })));
    assert.ok(calls.length > 100);
    const passed = calls.filter(({ answer }) => !['EPERM', 'ENOSYS', 'killed'].includes(answer));
    assert.deepEqual(passed.map(({ entry, name, answer }) => `${entry} ${name} ${answer}`), []);
    assert.equal(calls.find(({ entry, name }) => entry === 'native' && name === 'clone3')?.answer, 'ENOSYS', 'so that the C library falls back to clone');
  });

  test(`B12: ${who} can make sockets of the families UNIX, INET and NETLINK_ROUTE only`, async () => {
    const { client, handle } = await server.container();
    const sockets = output(await client.run(handle, '/probes/sockets', { privileged })).trim().split('\n').map((line) => line.split(' '));
    assert.deepEqual([...new Set(sockets.map(([family]) => Number(family)))].sort((a, b) => a - b), [1, 2, 16]);
    assert.deepEqual([...new Set(sockets.filter(([family]) => family === '16').map(([, , protocol]) => protocol))], ['0'], 'NETLINK_ROUTE alone');
    assert.deepEqual(sockets.filter(([family, type]) => family === '2' && type === '3'), [], 'no raw socket');
  });

  test(`B6: ${who} gets at nothing of PID 1`, async () => {
    const { client, handle } = await server.container();
    const reached = output(await client.run(handle, '/probes/reach-process 1', { privileged })).trim().split('\n');
    assert.deepEqual(reached, ['done']);
  });

  test(`B14: ${who} cannot push input into a terminal`, async () => {
    const { client, handle } = await server.container();
    const lines = output(await client.run(handle, '/probes/terminal-input', { privileged })).trim().split('\n');
    assert.deepEqual(lines, ['TIOCSTI 1', 'TIOCSTI-dirty 1', 'TIOCLINUX 1', 'TIOCLINUX-dirty 1']);
    const onTerminal = await client.run(handle, '', { args: ['/probes/terminal-input'], tty: { rows: 24, columns: 80 }, privileged });
    assert.deepEqual(output(onTerminal).trim().split('\r\n'), lines, 'nor into the one that it has');
  });

  test(`B2: ${who} mounts no cgroup hierarchy and makes no user namespace`, async () => {
    const { client, handle } = await server.container();
    for (const script of ['unshare -UrmC true', 'unshare -n true', 'mount -t cgroup -o cpu x /mnt', 'mount -t tmpfs x /mnt', 'mount --bind /etc /mnt', 'umount /proc', 'mount -o remount,rw /sys', 'nsenter -t 1 -m true']) {
      assert.notEqual((await client.run(handle, script, { privileged })).status, 0, script);
    }
  });

  test(`B1, B3: ${who} opens no kernel setting for writing and reads no state of the host`, async () => {
    const { client, handle } = await server.container();
    const settings = [
      '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sysrq-trigger', '/proc/sys/vm/drop_caches', '/proc/sys/vm/panic_on_oom',
      '/proc/sys/kernel/ns_last_pid', '/proc/sys/kernel/keys/maxkeys', '/proc/sys/fs/binfmt_misc/register', '/proc/mtrr', '/sys/power/state',
      '/sys/kernel/uevent_helper', '/proc/sys/net/ipv4/ip_forward', '/proc/sys/user/max_user_namespaces', '/proc/irq/default_smp_affinity',
    ];
    const writable = await client.run(handle, `for f in ${settings.join(' ')}; do (exec 3>$f) 2>/dev/null && echo $f; done; true`, { privileged });
    assert.equal(writable.stdout, '');
    const state = ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/kmsg', '/proc/sched_debug', '/proc/interrupts', '/dev/kmsg', '/sys/firmware/acpi/tables/DSDT', '/sys/kernel/debug/x'];
    const readable = await client.run(handle, `for f in ${state.join(' ')}; do timeout 1 head -c 1 $f 2>/dev/null | grep -q . && echo $f; done; true`, { privileged });
    assert.equal(readable.stdout, '');
  });

  test(`B16: ${who} changes neither clock nor host name nor kernel log`, async () => {
    const { client, handle } = await server.container();
    for (const script of ['hostname changed', 'date -s 2001-01-01', 'dmesg', 'swapon /tmp/x', 'chrt -f 10 true', 'nice -n -5 true 2>&1 | grep -q denied && false']) {
      assert.notEqual((await client.run(handle, script, { privileged })).status, 0, script);
    }
  });
}

test('the host answers the same probes otherwise: they can fail', async () => {
  const directory = server.slot.directory;
  const calls = parseCalls(await mustRun(await compileProbe('blocked-calls', directory), []));
  const open = calls.filter(({ entry, answer }) => entry === 'native' && answer !== 'EPERM' && answer !== 'ENOSYS');
  assert.ok(open.length >= 30, `${open.length} of the calls are open on the host`);
  const int80 = calls.filter(({ entry, answer }) => entry === 'int80' && ['EFAULT', 'EBADF', 'EINVAL', 'ok'].includes(answer));
  assert.ok(int80.length === 0 || int80.length >= 30, 'int 0x80 works, or this kernel has no i386 entry at all');
  const sockets = await mustRun(await compileProbe('sockets', directory), []);
  assert.ok(new Set(sockets.split('\n').map((line) => line.split(' ')[0])).size > 4);
  const reach = await compileProbe('reach-process', directory);
  const lines = (await mustRun('bash', ['-c', `sleep 60 & "${reach}" $!; kill $!`])).split('\n');
  for (const success of ['ptrace seize', 'pidfd_getfd allowed', 'open mem write', 'open root read', 'readlink exe']) assert.ok(lines.some((line) => line.startsWith(success)), success);
});

test('B6: two vcap jobs of one container are one trust domain, two containers are not', async () => {
  const [one, two] = [await server.container(), await server.container()];
  const same = output(await one.client.run(one.handle, 'sleep 60 & /probes/reach-process $!; kill $!'));
  assert.match(same, /ptrace seize/);
  const pids = output(await two.client.run(two.handle, 'ls /proc | grep "^[0-9]*$" | wc -l'));
  assert.ok(Number(pids) < 8);
});

test('B4: a device node made in any way cannot be read', async () => {
  const { client, handle } = await server.container();
  for (const node of ['b 254 0', 'b 7 0', 'c 1 1', 'c 1 2', 'c 5 1', 'c 10 200']) {
    const script = `rm -f /tmp/d; mknod /tmp/d ${node} && echo made; head -c 1 /tmp/d && echo read; true`;
    assert.equal((await client.run(handle, script, { privileged: true })).stdout, '', node);
  }
});

test('B9: io_uring is off for jobs and privileged jobs alike', async () => {
  const { client, handle } = await server.container();
  for (const privileged of [false, true]) {
    const calls = parseCalls(output(await client.run(handle, '/probes/blocked-calls', { privileged })));
    for (const { name, answer } of calls.filter((call) => call.name.startsWith('io_uring'))) assert.match(answer, /EPERM|ENOSYS|killed/, name);
  }
});

test('B8: the filter survives exec, fork and a change of user', async () => {
  const { client, handle } = await server.container();
  const script = 'bash -c "bash -c \\"grep Seccomp: /proc/self/status\\""; setpriv --reuid 1234 --regid 1234 --clear-groups grep Seccomp: /proc/self/status';
  assert.equal(output(await client.run(handle, script, { privileged: true })), 'Seccomp:\t2\nSeccomp:\t2\n');
});

test('E9: a job cannot kill or stop PID 1', async () => {
  const { client, handle } = await server.container();
  for (const privileged of [false, true]) {
    for (const signal of ['KILL', 'TERM', 'STOP', 'SEGV', 'CHLD', 'HUP', 'USR1']) await client.run(handle, `kill -${signal} 1`, { privileged });
  }
  assert.equal(output(await client.run(handle, 'echo alive; ps -o stat= -p 1 | grep -c "[TZ]"; true')), 'alive\n0\n');
});
