/*
 * Fifty clients do random things to the same few containers, and the daemon is killed or drained in between. What each was answered has to
 * fit together: per handle into one order, per job into one result, and nothing belongs to two containers.
 *
 * WARDEN_SEED in the environment repeats the clients' choices; the kernel's are its own.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { checkExclusive } from '../harness/exclusive-history.js';
import { useServer } from '../harness/fixture.js';
import { checkHandle, printHistory, shrinkHistory } from '../harness/handle-history.js';
import { HistoryClient } from '../harness/history-client.js';
import { History } from '../harness/history.js';
import { checkJob } from '../harness/job-history.js';
import { tableElements } from '../harness/nftables.js';
import { findProcesses, readProc, statusField } from '../harness/processes.js';
import { randomNumbers, runSeed } from '../harness/random.js';
import { shortOrLong } from '../harness/soak.js';
import { untilSeen } from '../harness/wait.js';

const CLIENTS = 50;
const HANDLES = Array.from({ length: 10 }, (_, index) => `shared-${index}`);
const DURATION_MS = shortOrLong(60_000, 300_000);
/** Of replies, between two ends of the daemon. */
const REPLIES_A_LIFE = shortOrLong(1500, 2500);
const server = useServer();

/** The uids of all processes of each container. */
function uidsOfContainers(): Map<string, Set<string>> {
  const result = new Map<string, Set<string>>();
  const inside = new RegExp(`/${server.slot.cgroupParent}/([0-9a-v]{11})(?:/|$)`, 'm');
  for (const pid of findProcesses((candidate) => inside.test(readProc(candidate, 'cgroup')))) {
    const id = inside.exec(readProc(pid, 'cgroup'))?.[1];
    const uid = statusField(pid, 'Uid')?.split('\t')[0];
    if (id === undefined || uid === undefined) continue;
    result.set(id, (result.get(id) ?? new Set()).add(uid));
  }
  return result;
}

/**
 * A container's first process joins its groups as root of the host, and becomes root of its container next. The daemon was perhaps killed
 * between the two.
 */
async function untilNoneIsTheHosts(): Promise<void> {
  const ofTheHost = (): string[] => [...uidsOfContainers()].filter(([, uids]) => uids.has('0')).map(([id]) => id);
  await untilSeen('no process of a container to be root of the host', () => ofTheHost().length === 0, () => ofTheHost().join());
}

/** What the kernel says: no uid is that of two containers. Root of the host is what untilNoneIsTheHosts() waits for. */
function sharedUids(): string[] {
  const owners = new Map<string, string>();
  const complaints: string[] = [];
  for (const [id, uids] of uidsOfContainers()) {
    for (const uid of uids) {
      if (uid === '0') continue;
      const other = owners.get(uid);
      if (other !== undefined && other !== id) complaints.push(`uid ${uid} has processes of ${other} and of ${id}`);
      owners.set(uid, id);
    }
  }
  return complaints;
}

function judge(history: History): string[] {
  const complaints = [...history.complaints, ...checkExclusive(history.evidence)];
  for (const [handle, operations] of history.operations) {
    const violation = checkHandle(operations);
    if (violation === undefined) continue;
    const { operation, possible } = violation;
    complaints.push(`${handle}: no order explains what client ${operation.client} was answered at ${operation.ended}, ${operation.text}; possible was ${possible.join(' or ')}\n${printHistory(shrinkHistory(operations))}`);
  }
  for (const job of history.jobs) {
    const destroys = history.beginnings(job.handle, ['destroy']);
    const disturbances = [...destroys, ...history.beginnings(job.handle, ['stop'])];
    complaints.push(...checkJob({ ...job, destroys, disturbances, deaths: history.deaths }));
  }
  return complaints;
}

test(`${CLIENTS} clients at once for ${DURATION_MS / 1000} s, with kills and drains of the daemon: their histories fit together`, async (context) => {
  const seed = runSeed();
  context.diagnostic(`WARDEN_SEED=${seed}`);
  const elements = await tableElements(server.slot.table);
  const history = new History();
  const random = randomNumbers(seed);
  const end = performance.now() + DURATION_MS;
  let up: Promise<void> = Promise.resolve();
  let isDown = false;
  const kernel: string[] = [];

  const restart = async (): Promise<void> => {
    isDown = true;
    history.died();
    const signal = (['SIGKILL', 'SIGKILL', 'SIGUSR2', 'SIGTERM'] as const)[random(4)] ?? 'SIGKILL';
    server.daemon.child.kill(signal);
    const status = await server.endOf(10_000);
    if (signal !== 'SIGKILL' && status !== 0) kernel.push(`wardend ended with ${status} at ${signal}`);
    await untilNoneIsTheHosts();
    kernel.push(...sharedUids());
    await server.start();
    history.recovered();
    isDown = false;
  };
  const around = {
    history, handles: HANDLES,
    isDown: () => isDown,
    connect: async (): Promise<Client> => {
      await up;
      return await server.connect();
    },
  };
  const clients = Array.from({ length: CLIENTS }, (_, number) => new HistoryClient(number, around, randomNumbers(random(2 ** 32))));
  let next = REPLIES_A_LIFE;
  await Promise.all(clients.map(async (client) => {
    while (performance.now() < end) {
      if (history.count >= next && !isDown) {
        next = history.count + REPLIES_A_LIFE;
        up = restart();
      }
      await client.step();
    }
  }));
  await up;
  for (const client of clients) client.close();
  const control = await server.connect();
  history.listed(CLIENTS, history.tick(), await control.list(), HANDLES);
  await untilNoneIsTheHosts();
  kernel.push(...sharedUids());
  const followed = history.jobs.flatMap(({ follows }) => follows);
  context.diagnostic(`${history.count} observations, ${history.jobs.length} jobs, ${followed.length} results, ${history.deaths.length} restarts`);
  assert.deepEqual([...kernel, ...judge(history)], [], `WARDEN_SEED=${seed}`);
  assert.ok(history.deaths.length > 0 && followed.some(({ outcome }) => outcome === 'result'));
  await server.destroyAll();
  assert.deepEqual(await tableElements(server.slot.table), elements);
});
