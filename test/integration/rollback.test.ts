/*
 * A create that fails leaves nothing, whatever step fails: every step that the native programs name is made to fail in
 * turn on the real system, and the scan after each test looks for what is left.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { output, refused } from '../harness/expect.js';
import { writeFaultLauncher } from '../harness/fault-launcher.js';
import { useServer } from '../harness/fixture.js';
import { faultPrograms } from '../harness/paths.js';
import { belongsToGroups, findProcesses, parentOf } from '../harness/processes.js';

const EIO = 5;
/** Steps that are not part of a create: they happen at the launcher's start or answer other requests. */
const NOT_OF_A_CREATE = new Set([
  'read hello', 'lock depot', 'load programs', 'enter own mount namespace', 'make minimal mount namespace', 'make device tree', 'set device rules',
  'open netlink sockets', 'read request', 'answer', 'abandoned', 'change firewall elements',
]);
const stepsOf = (program: string): string[] => execFileSync(`${faultPrograms}/${program}`, ['--steps'], { encoding: 'utf8' }).trim().split('\n');

assert.ok(existsSync(`${faultPrograms}/launcher`), 'build the programs whose steps can fail: make -C native faults');
let faultFile = '';
const server = useServer({}, async ({ slot }) => {
  const programs = `${slot.directory}/fault-programs`;
  faultFile = writeFaultLauncher(programs, faultPrograms);
  await server.restart({ server: { programs_path: programs } });
});

function spoil(fault: object): void {
  writeFileSync(faultFile, JSON.stringify(fault));
}

const steps = [...new Set([...stepsOf('launcher'), ...stepsOf('monitor')])].filter((step) => !NOT_OF_A_CREATE.has(step));

test('the programs name their steps', () => {
  assert.ok(steps.length > 35, steps.join(', '));
});

for (const step of steps) {
  test(`"${step}" fails: the error names it, nothing is left, the next create works`, async () => {
    const client = await server.connect();
    const handle = `fault-${steps.indexOf(step)}`;
    server.handles.add(handle);
    spoil({ step, errno: EIO });
    const error = await client.create({ handle, network: `${server.slot.network.replace(/0\.0$/, '3.0')}` }).then(() => undefined, (reason: Error) => reason);
    rmSync(faultFile);
    assert.ok(error, `the step "${step}" was never reached`);
    assert.ok(error.message.includes(step), error.message);
    assert.deepEqual(await client.list(), []);
    server.closeClients();
    assert.deepEqual(await server.scan(), []);
    // The same handle, address and uid are free again.
    const again = await server.connect();
    assert.equal(await again.create({ handle, network: `${server.slot.network.replace(/0\.0$/, '3.0')}` }), handle);
    assert.equal(output(await again.run(handle, 'echo works')), 'works\n');
  });
}

test('ENOSPC, ENOMEM, EMFILE and EAGAIN of a step are "exhausted", in words', async () => {
  const client = await server.connect();
  for (const [errno, text] of [[28, /space/i], [12, /memory/i], [24, /open files|descriptor/i], [11, /temporarily|process/i]] as const) {
    spoil({ step: 'clone', errno });
    await refused(client.create(), 'exhausted', text);
  }
  rmSync(faultFile);
  await client.create();
});

test('the launcher is killed in the middle of a create, or behind it before anybody has heard of it: nothing is left, the next create works', async () => {
  const client = await server.connect();
  for (let round = 0; round < 10; round++) {
    spoil({ kill: round % 2 === 0 ? 'begun' : 'made' });
    await assert.rejects(client.create({ handle: `killed-${round}` }));
    rmSync(faultFile);
    const handle = await client.create({ handle: `killed-${round}` });
    assert.equal(output(await client.run(handle, 'echo works')), 'works\n');
    await client.destroy(handle);
  }
  await server.restart({});
});

test('a container whose monitor was killed is destroyed completely', async () => {
  const { client, handle } = await server.container();
  await client.spawn(handle, 'sleep 1000');
  const [pid = 0] = await server.pidsOf(handle);
  process.kill(parentOf(pid), 'SIGKILL');
  await client.destroy(handle);
  assert.deepEqual(await client.list(), []);
});

test('a container whose PID 1 was killed is destroyed completely', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'sleep 1000');
  const [pid = 0] = await server.pidsOf(handle);
  process.kill(pid, 'SIGKILL');
  const { status } = await client.link(handle, jobId).catch(() => ({ status: 255 }));
  assert.equal(status, 255);
  await client.destroy(handle);
});

test('a container whose link was deleted by hand is destroyed completely', async () => {
  const { client, handle } = await server.container({ handle: 'unlinked' });
  execFileSync('ip', ['link', 'delete', 'w-unlinked-0']);
  assert.equal(output(await client.run(handle, 'echo works')), 'works\n');
  await client.destroy(handle);
});

test('destroy after the firewall was flushed by hand', async () => {
  const { client, handle } = await server.container();
  execFileSync('nft', ['delete', 'table', 'inet', server.slot.table]);
  const outcome = await client.destroy(handle).then(() => 'destroyed', (error: Error) => error.message);
  if (outcome !== 'destroyed') assert.match(outcome, /firewall|nft|table/i);
  await server.restart();
  const again = await server.connect();
  if ((await again.list()).includes(handle)) await again.destroy(handle);
});

test('a daemon that is killed while it creates leaves a container that is whole or absent', async () => {
  for (let round = 0; round < 6; round++) {
    const client = await server.connect();
    const created = client.create({ handle: `crash-${round}` }).then(() => true, () => false);
    // Where in the create the kill falls differs from round to round with what the previous requests cost.
    for (let index = 0; index < round; index++) await (await server.connect()).ping();
    await server.restart({}, 'SIGKILL');
    const acknowledged = await created;
    const again = await server.connect();
    const there = (await again.list()).includes(`crash-${round}`);
    assert.ok(there || !acknowledged, 'an acknowledged container is there');
    if (there) {
      assert.equal(output(await again.run(`crash-${round}`, 'echo works')), 'works\n');
      await again.destroy(`crash-${round}`);
    }
    server.handles.add(`crash-${round}`);
    assert.deepEqual(findProcesses((pid) => belongsToGroups(pid, server.slot.cgroupParent)), []);
  }
});
