/* Started as a service manager starts it: its notifications, its watchdog, a socket that it holds; and the log in syslog. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { Syslog } from '../harness/syslog.js';

const server = useServer();

/** Does what systemd does before it starts a service with a socket unit: listens at argv[1], and passes that on as descriptor 3. Whoever sees the name can connect. */
const activation = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.bind(sys.argv[1] + ".new"); s.listen(128)
os.rename(sys.argv[1] + ".new", sys.argv[1])
os.dup2(s.fileno(), 3) if s.fileno() != 3 else None
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
`;

test('the manager is told when the service is ready, that it lives, and when it ends', async (t) => {
  const manager = await Syslog.listen(`${server.slot.directory}/notify`);
  t.after(() => manager.close());
  await server.restart({ environment: { ...process.env, NOTIFY_SOCKET: `${server.slot.directory}/notify`, WATCHDOG_USEC: '400000' } });
  const { pid } = server.daemon;
  await manager.untilDatagram(/WATCHDOG=1/);
  assert.equal(manager.datagrams[0], `READY=1\nMAINPID=${pid}\nSTATUS=0 containers`);
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'cat /proc/self/environ | tr "\\0" "\\n" | grep -c -e NOTIFY -e WATCHDOG; true')), '0\n');
  assert.equal(await server.stop('SIGTERM'), 0);
  await manager.untilDatagram(/^STOPPING=1/);
  await server.start({});
});

test('a socket that the manager holds is served, and stays', async () => {
  const path = server.paths.socket;
  await server.stop();
  await server.start({ prefix: ['python3', '-c', activation, path] });
  const { ino } = statSync(path);
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'echo here')), 'here\n');
  assert.equal(await server.stop('SIGTERM'), 0);
  assert.equal(statSync(path).ino, ino, 'it is the manager\'s to remove');
  await server.start({});
  assert.equal(await server.stop('SIGTERM'), 0);
  assert.equal(existsSync(path), false, 'our own goes with us');
  await server.start({});
});

test('the socket belongs to the configured group', async () => {
  await server.restart({ server: { unix_domain_group: '12345' } });
  const { mode, gid } = statSync(server.paths.socket);
  assert.deepEqual([mode & 0o777, gid], [0o660, 12345]);
  await server.restart({});
});

test('the log goes to syslog too', async (t) => {
  const path = `${server.slot.directory}/syslog`;
  const syslog = await Syslog.listen(path);
  t.after(() => syslog.close());
  await server.restart({ logging: { level: 'info', syslog: 'warden-test' }, server: { syslog_socket: path } });
  const lines = await syslog.until(/"msg":"ready"/);
  assert.ok(lines.some((line) => line.startsWith(`30 warden-test[${server.daemon.pid}]: {"level":30,`)), lines.join('\n'));
  await syslog.close();
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'echo here')), 'here\n', 'a syslog that is gone holds nobody up');
  await server.restart({});
});
