/* Many containers at once, and many one after another. */
import assert from 'node:assert/strict';
import { statfsSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { openDescriptors, statusField } from '../harness/processes.js';

const server = useServer();
/** linux/magic.h */
const PROC_SUPER_MAGIC = 0x9fa0;

test('the table of descriptors is large before it is needed', () => {
  assert.ok(Number(statusField(server.daemon.pid, 'FDSize')) >= 2048, statusField(server.daemon.pid, 'FDSize'));
});

test('twenty containers at once: made, used and destroyed side by side', async () => {
  const clients = await Promise.all(Array.from({ length: 20 }, () => server.connect()));
  const handles = await Promise.all(clients.map((client) => client.create()));
  assert.equal(new Set(handles).size, 20);
  const names = await Promise.all(clients.map(async (client, index) => output(await client.run(handles[index] ?? '', 'hostname; id -u; hostname -I')).split('\n')));
  assert.deepEqual(names.map(([hostname]) => hostname), handles);
  assert.equal(new Set(names.map(([, uid]) => uid)).size, 20);
  assert.equal(new Set(names.map(([, , address]) => address)).size, 20);
  for (const handle of handles) server.handles.add(handle);
  await Promise.all(clients.map((client, index) => client.destroy(handles[index] ?? '')));
  assert.deepEqual(await (await server.connect()).list(), []);
});

test('jobs of many containers at once do not mix', async () => {
  const containers = await Promise.all(Array.from({ length: 8 }, () => server.container()));
  const results = await Promise.all(containers.flatMap(({ client, handle }) =>
    Array.from({ length: 5 }, async (_, index) => ({ expected: `${handle} ${index}\n`.repeat(200), got: await client.run(handle, `for i in $(seq 200); do echo ${handle} ${index}; done`) }))));
  for (const { expected, got } of results) assert.equal(got.stdout, expected);
});

/** Device numbers of the proc file systems that a process holds by descriptors. */
function procFileSystems(pid: number): number[] {
  return [...openDescriptors(pid).keys()].map((descriptor) => `/proc/${pid}/fd/${descriptor}`).filter((path) => statfsSync(path).type === PROC_SUPER_MAGIC && statSync(path).isDirectory()).map((path) => statSync(path).dev);
}

test('names of network namespaces do not pile up in one proc file system of the launcher', async () => {
  const client = await server.connect();
  const { launcherPid } = server.daemon;
  const [before, ...more] = procFileSystems(launcherPid);
  assert.ok(before !== undefined && more.length === 0);
  for (let round = 0; round < 20; round++) await client.destroy(await client.create());
  const after = procFileSystems(launcherPid);
  assert.equal(after.length, 1);
  assert.notEqual(after[0], before);
});

test('a hundred containers one after another: no descriptors and little memory are kept', async () => {
  const client = await server.connect();
  const cycle = async (): Promise<void> => {
    const handle = await client.create();
    assert.equal((await client.run(handle, 'echo x')).stdout, 'x\n');
    await client.destroy(handle);
  };
  for (let round = 0; round < 10; round++) await cycle();
  const pids = [server.daemon.pid, server.daemon.launcherPid];
  const open = pids.map((pid) => openDescriptors(pid).size);
  const resident = (pid: number): number => Number.parseInt(statusField(pid, 'VmRSS') ?? '0', 10);
  const launcherBefore = resident(server.daemon.launcherPid);
  for (let round = 0; round < 100; round++) await cycle();
  await client.ping();
  for (const [index, pid] of pids.entries()) {
    const now = openDescriptors(pid).size;
    // One or two are in use by what is removed in the background just now; one for each container would be a hundred.
    assert.ok(now <= (open[index] ?? 0) + 5, `descriptors of ${pid}: ${open[index]}, now ${now}`);
  }
  const growth = resident(server.daemon.launcherPid) - launcherBefore;
  assert.ok(growth < 1024, `the launcher grew by ${growth} KiB`);
});
