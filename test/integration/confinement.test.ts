/* What the kernel itself says about a container's processes: /proc/PID/status, id maps, namespaces (docs/security.md). */
import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { parentOf, readProc, statusField } from '../harness/processes.js';

const server = useServer();

const CAPABILITY = {
  CHOWN: 0, DAC_OVERRIDE: 1, FOWNER: 3, FSETID: 4, KILL: 5, SETGID: 6, SETUID: 7, SETPCAP: 8, NET_BIND_SERVICE: 10, SYS_CHROOT: 18,
  SYS_PTRACE: 19, SETFCAP: 31,
} as const;
const set = (...numbers: number[]): string => numbers.reduce((bits, number) => bits | 1n << BigInt(number), 0n).toString(16).padStart(16, '0');
const { SYS_PTRACE, ...granted } = CAPABILITY;
const PRIVILEGED = set(...Object.values(granted));
const NONE = set();

test('an ordinary job has no capability in any set, no_new_privs, and a filter', async () => {
  const { client, handle } = await server.container();
  const status = output(await client.run(handle, 'grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status'));
  assert.equal(status, `CapInh:\t${NONE}\nCapPrm:\t${NONE}\nCapEff:\t${NONE}\nCapBnd:\t${NONE}\nCapAmb:\t${NONE}\nNoNewPrivs:\t1\nSeccomp:\t2\n`);
});

test('a privileged job has the eleven capabilities of the table, byte for byte, and a filter', async () => {
  const { client, handle } = await server.container();
  const status = output(await client.run(handle, 'grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status', { privileged: true }));
  assert.equal(status, `CapInh:\t${NONE}\nCapPrm:\t${PRIVILEGED}\nCapEff:\t${PRIVILEGED}\nCapBnd:\t${PRIVILEGED}\nCapAmb:\t${NONE}\nNoNewPrivs:\t0\nSeccomp:\t2\n`);
});

test('PID 1 holds a capability that no job has, runs under a filter, and is root of its namespace only', async () => {
  const { client, handle } = await server.container();
  await client.run(handle, 'true');
  const [pid] = await server.pidsOf(handle);
  assert.ok(pid !== undefined);
  assert.match(readProc(pid, 'cmdline'), /^wshd: /);
  const effective = BigInt(`0x${statusField(pid, 'CapEff')}`);
  assert.ok((effective & 1n << BigInt(SYS_PTRACE)) !== 0n, effective.toString(16));
  assert.equal(statusField(pid, 'Seccomp'), '2');
  const hostUid = Number(statusField(pid, 'Uid')?.split('\t')[0]);
  assert.ok(hostUid >= server.slot.startSubuid, `uid ${hostUid} on the host`);
  assert.equal(hostUid % 65_536, 0);
});

test('the id map keeps vcap\'s uid and sends every other one to ids of the container\'s own', async () => {
  const { client, handle } = await server.container();
  const uid = Number(output(await client.run(handle, 'id -u')));
  for (const file of ['uid_map', 'gid_map']) {
    const map = output(await client.run(handle, `cat /proc/self/${file}`)).trim().split('\n').map((line) => line.trim().split(/\s+/).map(Number));
    const base = map[0]?.[1] ?? 0;
    assert.ok(base >= server.slot.startSubuid && base % 65_536 === 0);
    const outside = (inside: number): number | undefined => {
      const extent = map.find(([first = 0, , count = 0]) => inside >= first && inside < first + count);
      return extent && (extent[1] ?? 0) + inside - (extent[0] ?? 0);
    };
    assert.equal(outside(0), base);
    assert.equal(outside(uid), uid);
    for (const id of [1, 5, 1000, uid - 1, uid + 1, 65_534, 65_535]) assert.equal(outside(id), base + id);
    assert.equal(outside(65_536), undefined);
  }
});

test('two containers share no id', async () => {
  const [one, two] = [await server.container(), await server.container()];
  const base = async ({ client, handle }: typeof one): Promise<string> => output(await client.run(handle, 'head -1 /proc/self/uid_map; id -u'));
  assert.notEqual(await base(one), await base(two));
  const uid = async ({ client, handle }: typeof one): Promise<string> => output(await client.run(handle, 'id -u'));
  assert.notEqual(await uid(one), await uid(two));
});

test('files of a job belong to vcap\'s uid on the host, root\'s to an id nobody else has', async () => {
  const { client, handle } = await server.container();
  const uid = Number(output(await client.run(handle, 'touch /tmp/mine; id -u')));
  await client.run(handle, 'touch /tmp/roots', { privileged: true });
  const [pid] = await server.pidsOf(handle);
  assert.equal(statSync(`/proc/${pid}/root/tmp/mine`).uid, uid);
  assert.ok(statSync(`/proc/${pid}/root/tmp/roots`).uid >= server.slot.startSubuid);
});

test('every namespace is the container\'s own, and the monitor\'s is the host\'s', async () => {
  const { client, handle } = await server.container();
  await client.run(handle, 'true');
  const [pid] = await server.pidsOf(handle);
  assert.ok(pid !== undefined);
  for (const name of ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'user']) {
    assert.notEqual(readlinkSync(`/proc/${pid}/ns/${name}`), readlinkSync(`/proc/self/ns/${name}`), name);
  }
  assert.equal(readlinkSync(`/proc/${parentOf(pid)}/ns/net`), readlinkSync('/proc/self/ns/net'));
});

test('a container sees no cgroup path of the host', async () => {
  const { client, handle } = await server.container();
  const groups = output(await client.run(handle, 'cat /proc/self/cgroup'));
  assert.ok(!groups.includes(server.slot.cgroupParent), groups);
  const controllers = readFileSync('/proc/self/cgroup', 'utf8').split('\n').map((line) => line.split(':')[1]);
  const [pid] = await server.pidsOf(handle);
  const joined = readProc(pid ?? 0, 'cgroup').split('\n').filter((line) => line.includes(`/${server.slot.cgroupParent}/`)).map((line) => line.split(':')[1]);
  for (const controller of ['pids', 'memory', 'cpu', 'devices'].filter((name) => controllers.includes(name))) assert.ok(joined.includes(controller), controller);
});

test('ping works for vcap without any capability', async () => {
  const { client, handle } = await server.container();
  const { status, stdout } = await client.run(handle, '/probes/ping -c 1 -W 1 127.0.0.1');
  assert.equal(status, 0, stdout);
});

test('privileged jobs can do what their capabilities say, inside', async () => {
  const { client, handle } = await server.container();
  const script = 'touch /tmp/f && chown 1234:1234 /tmp/f && chmod 4755 /tmp/f && stat -c "%u %g %a" /tmp/f && '
    + 'setpriv --reuid 1234 --regid 1234 --clear-groups id -u && mkdir -p /tmp/c && chroot / /bin/true && echo ok';
  assert.equal(output(await client.run(handle, script, { privileged: true })), '1234 1234 4755\n1234\nok\n');
});

test('setuid programs work for a privileged job\'s children, and not for vcap', async () => {
  const { client, handle } = await server.container();
  const script = 'cp /usr/bin/id /tmp/id; chmod 4755 /tmp/id; setpriv --reuid 1234 --regid 1234 --clear-groups /tmp/id -u';
  assert.equal(output(await client.run(handle, script, { privileged: true })), '0\n');
  assert.notEqual(output(await client.run(handle, '/tmp/id -u')), '0\n');
});
