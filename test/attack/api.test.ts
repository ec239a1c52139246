/* E: attacks over the socket and the API. Numbers are those of the security model. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { repository } from '../harness/paths.js';
import { runProgram } from '../harness/run-program.js';

const server = useServer();
const connectAs = (uid: number, groups: string): Promise<{ status: number | null; stderr: string }> =>
  runProgram('setpriv', [`--reuid=${uid}`, `--regid=${uid}`, groups, process.execPath, '-e',
    'const s = require("net").connect(process.argv[1]); s.on("connect", () => process.exit(0)); s.on("error", (e) => { console.error(e.code); process.exit(1); })', server.paths.socket]);

test('E1: another user cannot connect, root can', async () => {
  for (const directory of [server.slot.directory, dirname(server.paths.socket)]) chmodSync(directory, 0o755);
  const { status, stderr } = await connectAs(65534, '--clear-groups');
  assert.deepEqual([status, stderr.trim()], [1, 'EACCES']);
  assert.equal((await connectAs(0, '--clear-groups')).status, 0);
});

test('E1: with permissions for others they can: it is the mode that protects', async () => {
  await server.restart({ server: { unix_domain_permissions: '0666' } });
  for (const directory of [server.slot.directory, dirname(server.paths.socket)]) chmodSync(directory, 0o755);
  assert.equal((await connectAs(65534, '--clear-groups')).status, 0);
  await server.restart({ server: {} });
});

test('E1: at no moment of a start is the socket open to others', async () => {
  const seen: number[] = [];
  const directory = dirname(server.paths.socket);
  const look = (): void => {
    for (const name of readdirSync(directory)) {
      try {
        seen.push(statSync(join(directory, name)).mode & 0o777);
      } catch {
        // Renamed between the two calls.
      }
    }
  };
  const watcher = watch(directory, look);
  for (let round = 0; round < 5; round++) {
    await server.restart({});
    look();
  }
  watcher.close();
  assert.ok(seen.length >= 5);
  assert.deepEqual(seen.filter((mode) => (mode & 0o007) !== 0), []);
});

test('E9: a container\'s sockets and files in the depot are root\'s alone', async () => {
  const { client, handle } = await server.container();
  await client.run(handle, 'true');
  const { container_path } = await client.info(handle);
  const socket = `${server.paths.depot}/containers/${readdirSync(`${server.paths.depot}/containers`)[0]}/run/monitor.sock`;
  assert.equal(statSync(socket).mode & 0o077, 0);
  assert.equal(statSync(socket).uid, 0);
  assert.ok((statSync(container_path).mode & 0o007) === 0 || (statSync(server.paths.depot).mode & 0o007) === 0, 'not to be entered by others');
  assert.equal((await client.run(handle, `ls ${server.paths.depot} ${container_path} 2>/dev/null`, { privileged: true })).stdout, '');
});

test('E5: handles decide no path', async () => {
  const marker = '/tmp/warden-test-e5';
  for (const handle of ['../../../../tmp/warden-test-e5', '/tmp/warden-test-e5', '..', '.', 'a/../../b', '%2e%2e%2f']) {
    const { client } = await server.container({ handle });
    const names = readdirSync(`${server.paths.depot}/containers`);
    assert.equal(names.length, 1);
    assert.match(names[0] ?? '', /^[0-9a-v]{11}$/);
    await client.destroy(handle);
    assert.ok(!existsSync(marker));
  }
});

test('E6: no source of the server names a shell', () => {
  const files = execFileSync('git', ['-C', repository, 'ls-files', 'packages/server/src', 'packages/protocol/src', 'native'], { encoding: 'utf8' })
    .split('\n').filter((name) => /\.(ts|c|h)$/.test(name) && !/(^|\/)test\/|\.test\.ts$/.test(name) && existsSync(join(repository, name)));
  assert.ok(files.length > 30);
  const offenders = files.filter((name) => /shell:\s*true|\bexecSync\(|\bsystem\(|\bpopen\(|child_process.*\bexec\b|execl?p?\("\/bin\/sh/.test(readFileSync(join(repository, name), 'utf8')));
  assert.deepEqual(offenders, []);
});

test('E6: no process but monitors and wshd is started by a request', async () => {
  // The processes of the daemon's whole tree, by the names they ever had: forks are counted by the kernel per boot,
  // so a request that spawned anything on the host would show as one fork more than a static job needs.
  const { client, handle } = await server.container();
  await client.run(handle, 'exec true');
  const children = readFileSync(`/proc/${server.daemon.pid}/task/${server.daemon.pid}/children`, 'utf8').trim().split(' ').map(Number);
  assert.deepEqual(children, [server.daemon.launcherPid]);
});

test('E7: numbers at their edges are refused or harmless', async () => {
  const { client, handle } = await server.container();
  await refused(client.link(handle, 4_294_967_295), 'not_found', /no such job/);
  const limits = { as: 18_446_744_073_709_551_615n, nofile: 9_223_372_036_854_775_808n, nproc: 0n, cpu: 0n, stack: 1n };
  for (const [name, value] of Object.entries(limits)) {
    await client.run(handle, 'true', { rlimits: { [name]: value } }).catch(() => undefined);
    await client.ping();
  }
  assert.equal((await client.run(handle, 'true')).status, 0);
});

test('E8: limits above the daemon\'s own have no effect on the next job', async () => {
  const { client, handle } = await server.container();
  const before = (await client.run(handle, 'ulimit -Hn; ulimit -Hl; ulimit -Hu')).stdout;
  await client.run(handle, 'true', { rlimits: { nofile: 1n << 40n, memlock: 1n << 60n, nproc: 1n << 40n } });
  assert.equal((await client.run(handle, 'ulimit -Hn; ulimit -Hl; ulimit -Hu')).stdout, before);
});
