/*
 * D1, D4, D8: containers that take all the processes, threads, descriptors and processor time they can get, while a neighbour
 * goes on. Every bomb ends by itself after BOMB_SECONDS, and its job by its own time-out, also when the test or the daemon dies.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, watch } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { Neighbour } from '../harness/neighbour.js';
import { parentOf, readProc } from '../harness/processes.js';
import { cgroupParents } from '../harness/slot.js';
import { nextEvent, untilClean } from '../harness/wait.js';

const server = useServer({ rootfs: { probes: ['bomb'] } });
const BOMB_SECONDS = 60;
const PIDS_MAX = 1024;
const SPINNING = 20;
const FILLED_MS = 30_000;

type Kind = 'forks' | 'threads' | 'files' | 'spin';
interface Bomb { readonly client: Client; readonly handle: string }

/** Starts a program of a bomb in a container of its own; back when it is as big as it gets. */
async function explode(script: string, privileged: boolean): Promise<Bomb> {
  const bomb = await server.container();
  const jobId = await bomb.client.spawn(bomb.handle, script, { privileged, timeout_ms: BigInt(BOMB_SECONDS * 1000) });
  if (!script.includes('/probes/bomb')) return bomb;
  const watcher = await server.connect();
  await streamUntil(watcher.stream(bomb.handle, jobId), 'full');
  watcher.close();
  return bomb;
}

function probe(kind: Kind, privileged = false): Promise<Bomb> {
  return explode(`exec /probes/bomb ${kind} ${BOMB_SECONDS}`, privileged);
}

/** The group of a container in the hierarchy of a controller, by a file that only that has. */
async function groupOf({ client, handle }: Bomb, file: string): Promise<string> {
  const id = basename((await client.info(handle)).container_path);
  const group = cgroupParents(server.slot).map((parent) => join(parent, id)).find((path) => existsSync(join(path, file)));
  assert.ok(group, `no group of ${id} has ${file}`);
  return group;
}

/** Waits until forks have been refused in a container: then it has all it can get. */
async function refusedForks(bomb: Bomb): Promise<void> {
  const group = await groupOf(bomb, 'pids.events');
  const look = (): string[] => (/^max 0$/m.test(readFileSync(join(group, 'pids.events'), 'utf8')) ? ['no fork has been refused'] : []);
  assert.deepEqual(await untilClean(look, () => {
    const watcher = watch(join(group, 'pids.events'));
    return nextEvent(watcher, 'change', () => watcher.close());
  }, FILLED_MS), []);
  assert.ok(Number(readFileSync(join(group, 'pids.current'), 'utf8')) <= PIDS_MAX);
}

test('D1: fork bombs as vcap and privileged in three containers, and a neighbour', async () => {
  const neighbour = await Neighbour.moveIn(server);
  // nproc, a limit for each user, is out of the way: it is the container's own limit that counts here.
  // The last one is everybody's: it has to find out by itself that its time is over, for its processes leave their job.
  const bombs = [await probe('forks'), await probe('forks', true), await explode(`bomb() { (( SECONDS < ${BOMB_SECONDS} )) && bomb | bomb & }; bomb; wait`, true)];
  for (const bomb of bombs.slice(0, 2)) assert.ok(Number(readFileSync(join(await groupOf(bomb, 'pids.max'), 'pids.max'), 'utf8')) === PIDS_MAX);
  await neighbour.check();
  await Promise.all(bombs.map(({ client, handle }) => neighbour.seesDestroyed(client, handle)));
  await neighbour.judge();
});

test('D1: root of a container is held by its limit of processes, and stop ends a bomb that is deaf to signals', async () => {
  await server.restart({ rootfs: { probes: ['bomb'] }, server: { container_rlimits: { nproc: -1 }, stop_deadline: 1 } });
  const neighbour = await Neighbour.moveIn(server);
  const bombs = [await probe('forks', true), await probe('threads')];
  for (const bomb of bombs) await refusedForks(bomb);
  await neighbour.check();
  await Promise.all(bombs.map(async ({ client, handle }) => {
    await client.stop(handle);
    assert.equal((await client.info(handle)).state, 'stopped');
    await neighbour.seesDestroyed(client, handle);
  }));
  await neighbour.judge();
});

test('D1: the daemon is killed while bombs go on; the next one has its limits, and destroys them', async () => {
  await server.restart({ rootfs: { probes: ['bomb'] }, server: { container_rlimits: { nproc: -1 } } });
  const { handle } = await probe('forks');
  // Not restart(), which looks for the launcher in /proc: a bomb's process may hold what its command line is read by, and wait long for a processor.
  await server.stop('SIGKILL');
  await server.revive();
  const client = await server.connect();
  await refusedForks({ client, handle });
  const neighbour = await Neighbour.moveIn(server, { quiet: false });
  await neighbour.check();
  await neighbour.seesDestroyed(client, handle);
  await neighbour.judge();
});

test('D4: descriptors, as many as there may be in forty processes each of vcap and of root', async () => {
  await server.restart({ rootfs: { probes: ['bomb'] } });
  const neighbour = await Neighbour.moveIn(server);
  const openFiles = (): number => Number(readFileSync('/proc/sys/fs/file-nr', 'utf8').split('\t')[0]);
  const before = openFiles();
  const bombs = [await probe('files'), await probe('files', true)];
  assert.ok(openFiles() - before > 2 * 40 * 900, 'the bombs hold what they opened');
  await neighbour.check();
  await Promise.all(bombs.map(({ client, handle }) => neighbour.seesDestroyed(client, handle)));
  await neighbour.judge();
});

test('D8: twenty containers that spin with all the shares there are; daemon, launcher and monitors are not among them', async () => {
  const neighbour = await Neighbour.moveIn(server);
  const bombs = await Promise.all(Array.from({ length: SPINNING }, () => probe('spin')));
  await neighbour.check();
  // That starves the neighbour, whose share is the least there is, but not those outside of the containers' group.
  for (const { client, handle } of bombs) await client.request('limit_cpu', { handle, limit_in_shares: 2n ** 64n - 1n });
  await neighbour.checkDaemon();
  for (const { client, handle } of bombs) await client.request('limit_cpu', { handle, limit_in_shares: 1024n });
  // A new container is a neighbour, too.
  const late = await Neighbour.moveIn(server, { quiet: false });
  const [first] = bombs;
  assert.ok(first);
  const [init = 0] = await server.pidsOf(first.handle);
  for (const pid of [server.daemon.pid, server.daemon.launcherPid, parentOf(init)]) {
    assert.ok(!readProc(pid, 'cgroup').includes(`/${server.slot.cgroupParent}`), readProc(pid, 'cgroup'));
  }
  assert.ok(readProc(init, 'cgroup').includes(`/${server.slot.cgroupParent}/`));
  await Promise.all(bombs.map(({ client, handle }) => late.seesDestroyed(client, handle)));
  for (const one of [neighbour, late]) await one.judge();
});
