/* What a container looks like from the inside. */
import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const server = useServer({ network: { dns_servers: ['192.0.2.53', '192.0.2.54'], mtu: 1400 } });

test('the host name is the handle, and /etc/hosts knows it', async () => {
  const { client, handle } = await server.container({ handle: 'web-1' });
  assert.equal(output(await client.run(handle, 'hostname; cat /etc/hostname')), 'web-1\nweb-1\n');
  const { container_ip } = await client.info(handle);
  const hosts = output(await client.run(handle, 'cat /etc/hosts')).split('\n');
  assert.ok(hosts.some((line) => /^127\.0\.0\.1\s+localhost\b/.test(line)), hosts.join('|'));
  assert.ok(hosts.some((line) => line.replace(/\s+/, ' ') === `${container_ip} web-1`), hosts.join('|'));
  assert.notEqual(hostname(), 'web-1');
});

test('a handle that cannot be a host name still gives a container with some', async () => {
  for (const name of ['a/b c', 'x'.repeat(200), 'ä€']) {
    const { client, handle } = await server.container({ handle: name });
    const inside = output(await client.run(handle, 'hostname'));
    assert.ok(inside.trim().length > 0 && Buffer.byteLength(inside.trim()) <= 64, inside);
  }
});

test('resolv.conf names the configured servers', async () => {
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'grep ^nameserver /etc/resolv.conf')), 'nameserver 192.0.2.53\nnameserver 192.0.2.54\n');
});

test('PID 1 is wshd with the handle, and is what started the job', async () => {
  const { client, handle } = await server.container({ handle: 'pid-one' });
  assert.equal(output(await client.run(handle, "tr '\\0' ' ' < /proc/1/cmdline | sed 's/ *$//'")), 'wshd: pid-one');
  assert.equal(output(await client.run(handle, 'ps -o ppid= -p $$ | tr -d " "')), '1\n');
});

test('a container sees its own processes only', async () => {
  const { client, handle } = await server.container();
  const pids = output(await client.run(handle, 'ls /proc | grep "^[0-9]*$" | wc -l'));
  assert.ok(Number(pids) < 8, pids);
});

test('PID 1 reaps orphans', async () => {
  const { client, handle } = await server.container();
  await client.run(handle, 'for i in $(seq 20); do (setsid true &) ; done; touch started');
  const zombies = 'grep -l "^State:.Z" /proc/[0-9]*/status 2>/dev/null | wc -l';
  assert.equal(output(await client.run(handle, `until [ "$(${zombies})" = 0 ]; do :; done; ${zombies}`)), '0\n');
});

test('the interface, its addresses and the route', async () => {
  const { client, handle } = await server.container({ handle: 'net' });
  const { host_ip, container_ip } = await client.info(handle);
  const links = output(await client.run(handle, 'ip -o link | sed "s/^[0-9]*: //; s/[@:].*//"'));
  assert.deepEqual(links.trim().split('\n').sort(), ['lo', 'w-net-1']);
  assert.match(output(await client.run(handle, 'ip -o -4 addr show dev w-net-1')), new RegExp(`inet ${container_ip}/30 `));
  assert.match(output(await client.run(handle, 'ip -o link show dev w-net-1')), /mtu 1400 .*state UP/);
  assert.match(output(await client.run(handle, 'ip route')), new RegExp(`^default via ${host_ip} dev w-net-1`, 'm'));
  assert.match(output(await client.run(handle, 'ip -o -4 addr show dev lo')), /inet 127\.0\.0\.1\/8 /);
  assert.equal((await client.run(handle, 'ip -o -6 addr show dev w-net-1')).stdout, '');
});

test('loopback works inside', async () => {
  const { client, handle } = await server.container();
  const script = 'perl -MIO::Socket::INET -e \'my $l = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:4000") or die $!; '
    + 'if (fork) { my $c = $l->accept; print <$c> } else { my $c = IO::Socket::INET->new("127.0.0.1:4000") or die $!; print $c "through lo\\n" }\'';
  assert.equal(output(await client.run(handle, script)), 'through lo\n');
});

test('two containers share nothing: processes, IPC, files, host names', async () => {
  const [one, two] = [await server.container({ handle: 'one' }), await server.container({ handle: 'two' })];
  await one.client.run('one', 'echo secret > /tmp/file; (exec -a hidden-process sleep 1000) >/dev/null 2>&1 &');
  const seen = await two.client.run('two', 'cat /tmp/file; cat /proc/[0-9]*/cmdline | tr "\\0" " "; hostname');
  assert.ok(!/secret|hidden-process|one/.test(seen.stdout), seen.stdout);
  await one.client.stop('one', { kill: true });
});

test('/dev has the usual nodes and a place for shared memory', async () => {
  const { client, handle } = await server.container();
  const nodes = output(await client.run(handle, 'for n in null zero full random urandom tty; do stat -c "%n %t:%T %a" /dev/$n; done; readlink /dev/fd /dev/stdin /dev/stdout /dev/stderr'));
  assert.equal(nodes, '/dev/null 1:3 666\n/dev/zero 1:5 666\n/dev/full 1:7 666\n/dev/random 1:8 666\n/dev/urandom 1:9 666\n/dev/tty 5:0 666\n'
    + '/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\n');
  assert.equal(output(await client.run(handle, 'echo x > /dev/null; head -c 3 /dev/zero | od -An -tx1; echo data > /dev/shm/f; cat /dev/shm/f; stat -f -c %T /dev/shm')), ' 00 00 00\ndata\ntmpfs\n');
  assert.match(output(await client.run(handle, 'script -qec tty /dev/null < /dev/null')), /^\/dev\/pts\/\d+/);
});

test('the root file system can be written, and its image cannot', async () => {
  const { client, handle } = await server.container();
  await client.run(handle, 'echo changed > /etc/passwd.new; rm /etc/nsswitch.conf; echo x >> /etc/hosts', { privileged: true });
  const next = await server.container();
  assert.equal(output(await next.client.run(next.handle, 'ls /etc/passwd.new /etc/nsswitch.conf 2>/dev/null; true')), '/etc/nsswitch.conf\n');
  assert.notEqual((await client.run(handle, 'touch /usr/bin/new', { privileged: true })).status, 0);
});

test('renaming, deleting and replacing directories of the image works', async () => {
  const { client, handle } = await server.container();
  const script = 'mv /var /var2 && mkdir /var && ls -d /var /var2 && rm -r /var2 && mv /probes /srv2 && ls -d /srv2';
  assert.equal(output(await client.run(handle, script, { privileged: true })), '/var\n/var2\n/srv2\n');
});

test('/tmp is for everybody, /root for root', async () => {
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'stat -c %a /tmp; echo x > /tmp/x; cat /tmp/x')), '1777\nx\n');
  assert.notEqual((await client.run(handle, 'ls /root')).status, 0);
});
