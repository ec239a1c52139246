/*
 * wardend is killed just before each of the system calls by which it creates, spawns, links and destroys, one after the other. What
 * the next one finds keeps the guarantees: what was acknowledged is there, what was not is whole or absent, nobody else's jobs notice
 * anything, and nothing is left of what is absent.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestError } from '../harness/client.js';
import type { Client } from '../harness/client.js';
import { output, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { isAlive } from '../harness/processes.js';
import { residueBeside } from '../harness/residue.js';
import { mustRun } from '../harness/run-program.js';
import { SOAK } from '../harness/soak.js';
import { traceCalls } from '../harness/system-calls.js';
import type { Moment } from '../harness/system-calls.js';
import { untilClean, withDeadline } from '../harness/wait.js';
import type { Trigger } from '../harness/wait.js';

const server = useServer({ logging: { level: 'info' } });

/** Calls that change something outside the process; with all others only its own memory would be another at its death. */
const CHANGING = ['openat', 'write', 'writev', 'pwrite64', 'sendmsg', 'sendto', 'rename', 'mkdir', 'rmdir', 'unlink', 'connect', 'shutdown', 'clone', 'clone3', 'vfork'];
const CALLS = SOAK ? [...CHANGING, 'read', 'close', 'socket', 'epoll_ctl', 'epoll_pwait', 'statx', 'ioctl', 'futex'] : CHANGING;
const MOST_OF_ONE_KIND = 60;

interface Operation {
  /** What has to be there before; called again for each kill. */
  prepare(client: Client): Promise<void>;
  /** The request; resolves when it was acknowledged. */
  request(client: Client): Promise<void>;
  /** What the daemon does after its reply, as far as a client can tell that it is done. */
  afterwards?(client: Client): Promise<void>;
  /** @returns handles of the containers that are there now */
  check(client: Client, acknowledged: boolean): Promise<string[]>;
}

/** What hangs is told, with the daemon's last words. */
async function inTime<Result>(work: Promise<Result>, what: string): Promise<Result> {
  return await withDeadline(work, 60_000, what).catch((error: unknown) => {
    throw error instanceof Error && error.message.startsWith(what) ? new Error(`${error.message}\n${server.daemon.log.slice(-3000)}`) : error;
  });
}

/** Runs the operation with the daemon killed at `moment`. @returns whether it came to that, and which calls were made */
async function killAt(moment: Moment | undefined, operation: Operation): Promise<{ killed: boolean; counts: Map<string, number> }> {
  const name = moment === undefined ? 'not killed' : `killed before ${moment.call} ${moment.number}`;
  const client = await server.connect();
  await inTime(operation.prepare(client), `${name}: what has to be there before`);
  const tracing = await traceCalls(server.daemon.pid, CALLS, `${server.slot.directory}/strace`, moment);
  const { child } = server.daemon;
  let acknowledged = false;
  let counts = new Map<string, number>();
  try {
    await withDeadline(operation.request(client), 20_000, name);
    acknowledged = true;
    await client.ping();
    await operation.afterwards?.(client);
  } catch (error) {
    if (error instanceof RequestError) throw error;
    if (child.signalCode === null) await server.daemon.exited();
  } finally {
    counts = await tracing.end();
  }
  // It was the last call before the end of the tracing: the kill may be on its way, unless strace went before it.
  if (moment !== undefined && (counts.get(moment.call) ?? 0) >= moment.number && child.signalCode === null) await server.daemon.exited(2_000).catch(() => undefined);
  const killed = child.signalCode !== null;
  if (killed) await server.revive();
  const again = await server.connect();
  const where = `${name}, ${acknowledged ? 'acknowledged' : 'not acknowledged'}`;
  const handles = [...await inTime(operation.check(again, acknowledged), where), 'bystander'];
  assert.deepEqual((await again.list()).sort(), handles.sort(), where);
  assert.deepEqual(await residueBeside(server, handles), [], where);
  return { killed, counts };
}

async function killEverywhere(operation: Operation): Promise<string> {
  const { client, handle } = await server.container({ handle: 'bystander' });
  const jobId = await client.spawn(handle, 'mkfifo gate; echo before; read x < gate; seq 1 1000; exit 9');
  await streamUntil((await server.connect()).stream(handle, jobId), 'before');
  const pids = await server.pidsOf(handle);
  const killed: string[] = [];
  // A daemon that has just been started makes calls that an older one does not: each kind begins with such a one, and kinds are added on the way.
  const kinds = new Set((await killAt(undefined, operation)).counts.keys());
  for (const call of kinds) {
    await server.daemon.stop('SIGKILL');
    await server.revive();
    for (let number = 1; number <= MOST_OF_ONE_KIND; number++) {
      const result = await killAt({ call, number }, operation);
      for (const kind of result.counts.keys()) kinds.add(kind);
      if (!result.killed) break;
      killed.push(`${call} ${number}`);
    }
  }
  assert.deepEqual(pids.filter(isAlive), pids, 'no process of another container was signalled');
  const control = await server.connect();
  assert.equal(output(await control.run(handle, 'echo > gate; echo opened')), 'opened\n');
  const { status, stdout } = await control.link(handle, jobId);
  assert.deepEqual([status, stdout], [9, `before\n${Array.from({ length: 1000 }, (_, index) => `${index + 1}\n`).join('')}`]);
  assert.ok(killed.length > 0, 'strace has killed the daemon somewhere');
  return `killed before ${killed.length} calls: ${killed.join(', ')}`;
}

function roundTrip(client: Client): Trigger {
  return { event: client.ping().catch(() => undefined), disarm: () => {} };
}

async function exists(client: Client, handle: string): Promise<boolean> {
  return (await client.list()).includes(handle);
}

/** The container 'victim' with a job that has ended, and its id. */
async function victim(client: Client, script: string): Promise<number> {
  if (!await exists(client, 'victim')) await client.create({ handle: 'victim' });
  const jobId = await client.spawn('victim', script);
  await untilClean(async () => (await client.info('victim')).job_ids.map(String), () => roundTrip(client), 10_000);
  return jobId;
}

test('create: there and usable, or absent and free to be created', async (context) => {
  context.diagnostic(await killEverywhere({
    async prepare(client) {
      if (await exists(client, 'victim')) await client.destroy('victim');
    },
    async request(client) {
      await client.create({ handle: 'victim' });
    },
    async check(client, acknowledged) {
      const there = await exists(client, 'victim');
      assert.ok(there || !acknowledged, 'a create that was acknowledged is lost');
      if (!there) await client.create({ handle: 'victim' });
      assert.equal(output(await client.run('victim', 'echo works')), 'works\n');
      await client.destroy('victim');
      return [];
    },
  }));
});

test('destroy: whole, so that it can be destroyed again, or wholly absent', async (context) => {
  context.diagnostic(await killEverywhere({
    async prepare(client) {
      await victim(client, 'exit 3');
    },
    async request(client) {
      await client.destroy('victim');
    },
    async afterwards(client) {
      // What it was made of is removed in the background.
      await untilClean(() => residueBeside(server, ['bystander']), () => roundTrip(client), 5_000);
    },
    async check(client, acknowledged) {
      const there = await exists(client, 'victim');
      assert.ok(!there || !acknowledged, 'a destroy that was acknowledged is undone');
      if (there) await client.destroy('victim');
      return [];
    },
  }));
});

test('spawn: a job that was acknowledged runs, with an id that no other has', async (context) => {
  const seen = new Set<number>();
  let jobId: number | undefined;
  context.diagnostic(await killEverywhere({
    async prepare(client) {
      jobId = undefined;
      if (!await exists(client, 'victim')) await client.create({ handle: 'victim' });
    },
    async request(client) {
      jobId = await client.spawn('victim', 'echo out; echo err >&2; exit 4');
    },
    async check(client, acknowledged) {
      const unlinked = new Set((await client.info('victim')).job_ids.map(Number));
      if (acknowledged && jobId !== undefined) unlinked.add(jobId);
      for (const id of unlinked) {
        assert.ok(id > Math.max(0, ...seen), `job id ${id} after ${[...seen].join()}`);
        seen.add(id);
        const { status, stdout, stderr } = await client.link('victim', id);
        assert.deepEqual([status, stdout, stderr], [4, 'out\n', 'err\n']);
      }
      return ['victim'];
    },
  }));
});

test('link: the result is there until a reply was written, and the same each time', async (context) => {
  let jobId = 0;
  context.diagnostic(await killEverywhere({
    async prepare(client) {
      jobId = await victim(client, 'seq 1 5000; exit 6');
    },
    async request(client) {
      const { status, stdout } = await client.link('victim', jobId);
      assert.deepEqual([status, stdout.length], [6, 23893]);
    },
    async check(client, acknowledged) {
      const again = await client.link('victim', jobId).catch((error: unknown) => error);
      // Written and then forgotten, or written just before the end: then it may be there once more.
      if (again instanceof RequestError) assert.ok(acknowledged && again.message === 'no such job', again.message);
      else assert.deepEqual([(again as { status: number }).status, (again as { stdout: string }).stdout.length], [6, 23893]);
      return ['victim'];
    },
  }));
});

for (const remove of [false, true]) {
  test(`net_out${remove ? ' with remove' : ''}: what was acknowledged is so, and the firewall has what info lists`, async (context) => {
    const kept = { network: '192.0.2.1', protocol: 1 };
    const rule = { network: '192.0.2.0/24', protocol: 0, port: 80 };
    context.diagnostic(await killEverywhere({
      async prepare(client) {
        if (!await exists(client, 'victim')) await client.create({ handle: 'victim' });
        const { net_out: rules } = await client.info('victim');
        if (rules.length === 0) await client.netOut('victim', kept);
        if (rules.length === 2 && !remove) await client.netOut('victim', { ...rule, remove: true });
        if (rules.length < 2 && remove) await client.netOut('victim', rule);
      },
      async request(client) {
        await client.netOut('victim', { ...rule, remove });
      },
      async check(client, acknowledged) {
        const { container_ip: address, net_out: rules } = await client.info('victim');
        assert.ok(acknowledged ? rules.length === (remove ? 1 : 2) : rules.length === 1 || rules.length === 2, JSON.stringify(rules));
        assert.deepEqual(rules, [kept, rule].slice(0, rules.length));
        const chain = await mustRun('nft', ['list', 'chain', 'inet', server.slot.table, `out-${address}`]);
        assert.equal(chain.split('comment').length - 1, rules.length, chain);
        return ['victim'];
      },
    }));
  });
}

for (const remove of [false, true]) {
  test(`net_in${remove ? ' with remove' : ''}: what was acknowledged is so, and the firewall has what info lists`, async (context) => {
    const [kept, port] = [9481, 9482];
    context.diagnostic(await killEverywhere({
      async prepare(client) {
        if (!await exists(client, 'victim')) await client.create({ handle: 'victim' });
        const ports = (await client.info('victim')).net_in.map(({ host_port }) => host_port);
        if (!ports.includes(kept)) await client.netIn('victim', { host_port: kept, container_port: 80 });
        if (ports.includes(port) !== remove) await client.netIn('victim', { host_port: port, container_port: 81, remove: !remove });
      },
      async request(client) {
        await client.netIn('victim', { host_port: port, container_port: 81, remove });
      },
      async check(client, acknowledged) {
        const { net_in: mappings, container_ip: address } = await client.info('victim');
        const is = mappings.map(({ host_port, container_port }) => `${host_port} ${container_port}`);
        const [without, whole] = [[`${kept} 80`], [`${kept} 80`, `${port} 81`]];
        assert.ok([without, whole].slice(...(acknowledged ? remove ? [0, 1] : [1] : [])).some((state) => state.join() === is.join()), is.join());
        const forwarded = await mustRun('nft', ['list', 'map', 'inet', server.slot.table, 'forwarded']);
        assert.deepEqual([...forwarded.matchAll(/tcp \. (\d+) : (\S+) \. (\d+)/g)].map(([, from, to, inside]) => (to === address ? `${from} ${inside}` : to)).sort(), is, forwarded);
        return ['victim'];
      },
    }));
  });
}
