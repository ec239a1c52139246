/* The scan that every other test relies on finds each kind of thing that can be left behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import { useServer } from '../harness/fixture.js';
import { parentOf } from '../harness/processes.js';
import { cgroupParents } from '../harness/slot.js';
import { mustRun } from '../harness/run-program.js';

const server = useServer();
const WAIT_MS = 200;

async function finds(kind: RegExp): Promise<void> {
  const leaks = await server.scan(WAIT_MS);
  assert.ok(leaks.some((leak) => kind.test(leak)), leaks.join('\n') || 'nothing was found');
}

test('nothing is found when nothing is left', async () => {
  assert.deepEqual(await server.scan(WAIT_MS), []);
});

test('a process that names the depot', async () => {
  const child = spawn('tail', ['-f', '/dev/null', `${server.paths.depot}/x`], { stdio: 'ignore' });
  await once(child, 'spawn');
  await finds(/^process \d+: tail -f/);
  child.kill();
  await once(child, 'exit');
});

test('a process in a group of ours, and the group', async () => {
  const [parent] = cgroupParents(server.slot);
  assert.ok(parent);
  mkdirSync(`${parent}/left`);
  const child = spawn('tail', ['-f', '/dev/null'], { stdio: 'ignore' });
  await once(child, 'spawn');
  writeFileSync(`${parent}/left/cgroup.procs`, String(child.pid));
  await finds(/^process \d+: tail/);
  await finds(/^cgroup .*\/left$/);
  child.kill();
  await once(child, 'exit');
  rmdirSync(`${parent}/left`);
});

test('a monitor without a container', async () => {
  const { handle } = await server.container();
  const [pid = 0] = await server.pidsOf(handle);
  server.closeClients();
  await finds(new RegExp(`^process ${parentOf(pid)}: monitor`));
});

test('a mount', async () => {
  const directory = `${server.paths.depot}/left`;
  mkdirSync(directory);
  await mustRun('mount', ['-t', 'tmpfs', 'warden-test', directory]);
  await finds(/^mount /);
  await mustRun('umount', [directory]);
  rmdirSync(directory);
});

test('a link of a container, by its name and by its address', async () => {
  await mustRun('ip', ['link', 'add', 'w-left-0', 'type', 'veth']);
  server.handles.add('left');
  await finds(/^link w-left-0$/);
  await mustRun('ip', ['link', 'delete', 'w-left-0']);
  const name = `wleft${server.slot.number}`;
  await mustRun('ip', ['link', 'add', name, 'type', 'veth']);
  await mustRun('ip', ['address', 'add', `${server.slot.network.replace(/0$/, '1')}/30`, 'dev', name]);
  await finds(/^link wleft/);
  await mustRun('ip', ['link', 'delete', name]);
});

test('an element of a set', async () => {
  // The launcher would tell of what somebody else adds, and the tables would be loaded anew, without it.
  const { launcherPid } = server.daemon;
  process.kill(launcherPid, 'SIGSTOP');
  try {
    await mustRun('nft', ['add', 'element', 'inet', server.slot.table, 'interfaces', '{ "left" }']);
    await finds(/^nftables element inet interfaces: "left"$/);
    await mustRun('nft', ['delete', 'element', 'inet', server.slot.table, 'interfaces', '{ "left" }']);
  } finally {
    process.kill(launcherPid, 'SIGCONT');
  }
});

test('a file in the depot', async () => {
  writeFileSync(`${server.paths.depot}/trash/left`, '');
  await finds(/^file .*\/trash\/left$/);
  rmSync(`${server.paths.depot}/trash/left`);
});

test('an open descriptor of the daemon', async () => {
  const socket = net.connect(server.paths.socket);
  await once(socket, 'connect');
  await (await server.connect()).ping();
  await finds(/^descriptors of \d+/);
  socket.destroy();
  await once(socket, 'close');
});
