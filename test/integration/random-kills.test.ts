/*
 * kill -9 of wardend at random moments, under the load of clients that create, run, spawn, link, stream and destroy and know exactly what they have
 * been told. Afterwards nothing that was acknowledged is missing: no handle, no byte, no status; and nothing is there that should not be.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { useServer } from '../harness/fixture.js';
import { randomNumbers, runSeed } from '../harness/random.js';
import { residueBeside } from '../harness/residue.js';
import { shortOrLong } from '../harness/soak.js';
import { Daemon, Tenant } from '../harness/tenant.js';

const server = useServer({ logging: { level: 'info' } });

const TENANTS = 4;
/** A kill comes after so many acknowledged requests; of all tenants together. */
const MOST_BETWEEN_KILLS = 24;

async function underLoad(seed: number, kills: number, kill: (daemon: Daemon) => Promise<void>, excused?: RegExp): Promise<Tenant[]> {
  const random = randomNumbers(seed);
  const daemon = new Daemon(() => server.connect());
  const tenants = Array.from({ length: TENANTS }, (_, index) => new Tenant(`t${index}`, daemon, randomNumbers(seed + 1 + index), excused));
  const work = tenants.map((tenant) => tenant.work());
  const broken = Promise.all(work);
  for (let round = 0; round < kills; round++) {
    const until = daemon.acknowledged + 1 + random(MOST_BETWEEN_KILLS);
    await Promise.race([daemon.reached(until), broken]);
    // Anywhere in what the next requests do.
    for (let turns = random(200); turns > 0; turns--) await new Promise(setImmediate);
    await kill(daemon);
  }
  for (const tenant of tenants) tenant.stop();
  await broken;
  return tenants;
}

/** What the tenants were told holds, and nothing else is there. @returns what they did */
async function allIsWell(tenants: Awaited<ReturnType<typeof underLoad>>): Promise<string> {
  const control = await server.connect();
  const handles: string[] = [];
  for (const tenant of tenants) handles.push(...await tenant.settle(control));
  assert.deepEqual((await control.list()).sort(), handles.sort());
  assert.deepEqual(await residueBeside(server, handles), []);
  return tenants.map(({ report }) => report).join('; ');
}

test('wardend: no handle, byte or status that was acknowledged is lost, and nothing is left', async (context) => {
  const seed = runSeed();
  context.diagnostic(`WARDEN_SEED=${seed}`);
  const tenants = await underLoad(seed, shortOrLong(100, 500), (daemon) => daemon.whileAway(async () => {
    await server.daemon.stop('SIGKILL');
    await server.revive();
  }));
  context.diagnostic(await allIsWell(tenants));
});

test('launcher: creates are made again or undone, and nothing else notices', async (context) => {
  const seed = runSeed();
  context.diagnostic(`WARDEN_SEED=${seed}`);
  const tenants = await underLoad(seed, shortOrLong(25, 100), async () => {
    try {
      process.kill(server.daemon.launcherPid, 'SIGKILL');
    } catch {
      // The one before has just been killed, and nobody has needed another.
    }
    // A create or destroy is tried once more; under so many kills the second launcher may die as well.
  }, /the launcher ended with SIGKILL/);
  context.diagnostic(await allIsWell(tenants));
});

test('monitors: each that dies stops its container alone, tells so, and answers whoever waits', async (context) => {
  const seed = runSeed();
  context.diagnostic(`WARDEN_SEED=${seed}`);
  const random = randomNumbers(seed);
  for (let round = 0; round < shortOrLong(8, 200); round++) {
    const client = await server.connect();
    const [victim, neighbour] = [`victim-${round}`, `neighbour-${round}`];
    await client.create({ handle: victim });
    await client.create({ handle: neighbour });
    const jobs = await Promise.all(Array.from({ length: 1 + random(4) }, () => client.spawn(victim, 'seq 1 100000; exec sleep 1000')));
    const links = Promise.allSettled(jobs.map(async (jobId) => (await (await server.connect()).link(victim, jobId)).status));
    const pid = Number.parseInt(readFileSync(`${(await client.info(victim)).container_path}/run/monitor.pid`, 'utf8'), 10);
    for (let turns = random(100); turns > 0; turns--) await new Promise(setImmediate);
    const away = random(3) === 0;
    if (away) await server.daemon.stop('SIGKILL');
    process.kill(pid, 'SIGKILL');
    if (away) await server.revive();
    const answers = await links;
    const control = await server.connect();
    for (const [index, answer] of answers.entries()) {
      const status = answer.status === 'fulfilled' ? answer.value : (await control.link(victim, jobs[index]!)).status;
      assert.ok(away || answer.status === 'fulfilled', 'a link was not answered');
      assert.equal(status, 255);
    }
    const { state, events } = await control.info(victim);
    assert.deepEqual([state, events], ['stopped', ['the container\'s monitor died']]);
    const { status, stdout } = await control.run(neighbour, 'echo well');
    assert.deepEqual([status, stdout], [0, 'well\n']);
    await control.destroy(victim);
    await control.destroy(neighbour);
    assert.deepEqual(await residueBeside(server, []), []);
    server.closeClients();
  }
});
