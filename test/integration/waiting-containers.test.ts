/* Containers made in advance: what a client gets is a container like any other, whatever happens to the daemon, and nobody gets another's. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { randomNumbers, runSeed } from '../harness/random.js';
import { shortOrLong } from '../harness/soak.js';
import { reconfigure, untilWaiting, waitingIds } from '../harness/waiting.js';

const server = useServer();

/** For the scan after a test none may be left. */
async function withPool(size: number, work: (ids: string[]) => Promise<void>): Promise<void> {
  await reconfigure(server, { pool: { size } });
  await work(await untilWaiting(server, size));
  await reconfigure(server, {});
  await untilWaiting(server, 0);
}

const idOf = async (client: Client, handle: string): Promise<string> => basename((await client.info(handle)).container_path);

/** All that a job can see of what is its container's own. */
const probe = `
hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf; tr '\\0' ' ' < /proc/1/cmdline; echo; id; pwd; umask; env | sort; ulimit -a
ip -o addr | sed 's/valid_lft.*//; s/^[0-9]*: //; s/@if[0-9]*//'; ip route; cat /proc/net/arp
cut -d: -f2- /proc/self/cgroup | sed 's/job-.*//; s/next-job$//; s/[0-9][0-9]*$/N/'; cat /proc/self/mountinfo | cut -d' ' -f4-6 | sort
ls -lan --time-style=+ /home/vcap /etc/passwd /tmp /var/tmp; cat /etc/passwd; find / -xdev -not -path '/proc*' -not -path '/sys*' -printf '%p %m %U %G %l\\n' | sort
exit 0
`;

async function seenBy(client: Client, handle: string): Promise<string> {
  const { host_ip, container_ip } = await client.info(handle);
  const seen = output(await client.run(handle, `exec 2>&1${probe}`));
  const uid = /uid=(\d+)\(vcap\)/.exec(seen)?.[1] ?? 'none';
  return seen.replaceAll(handle, 'HANDLE').replaceAll(await idOf(client, handle), 'ID').replaceAll(container_ip, 'CONTAINER').replaceAll(host_ip, 'HOST')
    .replaceAll(uid, 'UID').replaceAll(/(ether|link\/ether) [0-9a-f:]{17}/g, '$1 MAC').replaceAll(/10\.\d+\.\d+\.\d+\/30/g, 'NETWORK').replaceAll(/inet6 \S+/g, 'inet6 X');
}

test('from the inside, by info and by list it is as one that was made for its client', async () => {
  const ordinary = await server.container({ labels: [{ key: 'a', value: 'b' }], ttl: 600, grace_time: 77 });
  await withPool(1, async ([id]) => {
    const before = Date.now();
    const { client, handle } = await server.container({ labels: [{ key: 'a', value: 'b' }], ttl: 600, grace_time: 77 });
    assert.equal(handle, id);
    const [one, other] = [await client.info(ordinary.handle), await client.info(handle)];
    assert.deepEqual(Object.keys(other).sort(), Object.keys(one).sort());
    for (const key of ['state', 'events', 'job_ids', 'labels', 'net_in', 'net_out', 'bind_mounts', 'disk_backend', 'bandwidth_stat', 'pids_stat'] as const) assert.deepEqual(other[key], one[key], key);
    assert.ok(other.created_ms !== undefined && Number(other.created_ms) >= before - 2 && Number(other.created_ms) <= Date.now());
    assert.ok(other.ttl_left_ms !== undefined && other.ttl_left_ms > 590_000n && other.ttl_left_ms <= 600_000n);
    assert.equal(await seenBy(client, handle), await seenBy(client, ordinary.handle));
    assert.deepEqual((await client.list()).sort(), [handle, ordinary.handle].sort());
    await client.destroy(handle);
    await refused(client.info(handle), 'not_found', /^unknown handle$/);
  });
});

test('with a handle of the client\'s own, too', async () => {
  const names = ['8f14e45f-ceea-467f-a1b2-0c5b1f2e3d4c', 'x y', `long${'-and-longer'.repeat(20)}`, 'twelve-chars'];
  const seen = new Map<string, string>();
  for (const name of names) {
    const { client, handle } = await server.container({ handle: name });
    seen.set(name, await seenBy(client, handle));
  }
  await server.destroyAll();
  await withPool(4, async (ids) => {
    for (const name of names) {
      const { client, handle } = await server.container({ handle: name });
      assert.ok(ids.includes(await idOf(client, handle)), `${name} was made for its client`);
      assert.equal(await seenBy(client, handle), seen.get(name), name);
      await refused((await server.connect()).create({ handle }), 'exists', /already exists/);
    }
  });
});

test('what waits cannot be named, listed or listened to, and is no client\'s by any request', async () => {
  await withPool(2, async (ids) => {
    const client = await server.connect();
    assert.deepEqual(await client.list(), []);
    for (const id of ids) for (const name of ['info', 'destroy', 'stop'] as const) await refused(client.request(name, { handle: id }), 'not_found', /^unknown handle$/);
    for (const id of ids) await refused(client.run(id, 'true'), 'not_found', /^unknown handle$/);
    // A client that asks for that very name gets it, once; with a wish of its own another container is made.
    const [first = '', second = ''] = ids;
    const claimed = await server.container({ handle: first });
    assert.equal(await idOf(client, first), first);
    assert.equal(output(await claimed.client.run(first, 'hostname')), `${first}\n`);
    await refused(client.create({ handle: first }), 'exists', /already exists/);
    const own = await server.container({ handle: second, bind_mounts: [{ src_path: server.paths.rootfs, dst_path: '/x', mode: 0 }] });
    assert.notEqual(await idOf(client, second), second);
    assert.equal(output(await own.client.run(second, 'hostname')), `${second}\n`);
    const next = await server.container();
    assert.ok(![first, second].includes(next.handle));
  });
});

test('clients at once, more of them than containers wait, each get their own', async () => {
  await withPool(3, async () => {
    const made = await Promise.all(Array.from({ length: 8 }, async () => {
      const { client, handle } = await server.container();
      const result = await client.run(handle, 'hostname; touch mine; ls');
      assert.equal(output(result), `${handle}\nmine\n`);
      return { handle, ip: (await client.info(handle)).container_ip };
    }));
    assert.equal(new Set(made.map(({ handle }) => handle)).size, 8);
    assert.equal(new Set(made.map(({ ip }) => ip)).size, 8);
    await untilWaiting(server, 3, made.map(({ handle }) => handle));
  });
});

test('handles increase, whatever is asked for between', async () => {
  await withPool(2, async () => {
    const handles: string[] = [];
    for (let round = 0; round < 3; round++) {
      handles.push((await server.container()).handle);
      handles.push((await server.container({ bind_mounts: [{ src_path: server.paths.rootfs, dst_path: '/x', mode: 0 }] })).handle);
      await server.container({ handle: `own-${round}` });
    }
    assert.deepEqual([...handles].sort(), handles);
  });
});

test('after a change of the root file system none of before is given away', async () => {
  await withPool(2, async (ids) => {
    const added = `${server.paths.rootfs}/added`;
    mkdirSync(added);
    try {
      const { client, handle } = await server.container();
      assert.ok(!ids.includes(handle));
      assert.equal(output(await client.run(handle, 'test -d /added && echo there')), 'there\n');
      await untilWaiting(server, 2, ids);
      const next = await server.container();
      assert.equal(output(await next.client.run(next.handle, 'test -d /added && echo there')), 'there\n');
      await server.destroyAll();
      await reconfigure(server, {});
      await untilWaiting(server, 0);
    } finally {
      rmdirSync(added);
    }
  });
});

test('one whose monitor or init process dies while it waits is replaced', async () => {
  await withPool(2, async ([first = '', second = '']) => {
    const monitor = Number(readFileSync(`${server.paths.depot}/containers/${first}/run/monitor.pid`, 'utf8').split(' ')[0]);
    process.kill(monitor, 'SIGKILL');
    const ids = await untilWaiting(server, 2, [first]);
    assert.ok(ids.includes(second));
    const { client, handle } = await server.container();
    assert.equal(handle, second);
    assert.equal(output(await client.run(handle, 'echo here')), 'here\n');
  });
});

test('networks and uids that run out are taken from those that wait', async () => {
  for (const overrides of [{ network: { pool_network: `${server.slot.network}/28` } }, { user: { pool_size: 4 } }]) {
    await server.restart({ ...overrides, pool: { size: 3 } });
    await untilWaiting(server, 3);
    const wish = { bind_mounts: [{ src_path: server.paths.rootfs, dst_path: '/x', mode: 0 }] };
    for (let number = 0; number < 4; number++) {
      const { client, handle } = await server.container(wish);
      assert.equal(output(await client.run(handle, 'echo here')), 'here\n');
    }
    await refused((await server.connect()).create(wish), 'exhausted', /is left in the pool/);
    assert.deepEqual(waitingIds(server), []);
    await server.destroyAll();
    await server.restart({});
  }
});

test('the network of one that waits can be asked for', async () => {
  await withPool(1, async ([id = '']) => {
    const { client, handle } = await server.container({ handle: 'first', network: server.slot.network });
    const { container_ip } = await client.info(handle);
    await client.destroy(handle);
    const again = await server.container({ network: container_ip });
    assert.equal((await again.client.info(again.handle)).container_ip, container_ip);
    assert.equal(output(await again.client.run(again.handle, 'echo here')), 'here\n');
    assert.ok(id !== '');
  });
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`after ${signal} those that waited do so again, claimed ones are their clients', and without a pool none is left`, async () => {
    await server.restart({ pool: { size: 3 } });
    await untilWaiting(server, 3);
    const claimed = await server.container();
    const ids = await untilWaiting(server, 3, [claimed.handle]);
    await server.stop(signal);
    await server.revive();
    const client = await server.connect();
    assert.deepEqual(await client.list(), [claimed.handle]);
    assert.deepEqual(await untilWaiting(server, 3), ids);
    assert.equal(output(await client.run(claimed.handle, 'hostname')), `${claimed.handle}\n`);
    const next = await server.container();
    assert.equal(next.handle, ids[0]);
    assert.equal(output(await next.client.run(next.handle, 'hostname; cat /etc/hosts | tail -1 | cut -d" " -f2')), `${next.handle}\n${next.handle}\n`);
    await server.destroyAll();
    await server.restart({}, signal);
    await untilWaiting(server, 0);
  });
}

test('killed at any moment of claims, refills and their ends, it loses nothing that was acknowledged and gives nothing twice', async (context) => {
  const seed = runSeed();
  context.diagnostic(`WARDEN_SEED=${seed}`);
  const random = randomNumbers(seed);
  await server.restart({ pool: { size: 2 } });
  const given = new Set<string>();
  const known = new Set<string>();
  const doomed = new Set<string>();
  let claims = 0;
  let reached = (): void => undefined;
  for (let round = 0; round < shortOrLong(5, 150); round++) {
    const clients = await Promise.all([server.connect(), server.connect()]);
    const until = claims + 1 + random(8);
    const enough = new Promise<void>((resolve) => (reached = resolve));
    const work = clients.map(async (client) => {
      for (;;) {
        const handle = await client.create(random(2) === 0 ? {} : { handle: `a-handle-of-my-own-${given.size}-${claims}-${random(1_000_000)}` });
        assert.ok(!given.has(handle), `${handle} was given twice`);
        given.add(handle);
        known.add(handle);
        claims++;
        if (claims >= until) reached();
        const result = await client.run(handle, 'hostname; ls');
        assert.equal(result.status === 0 ? result.stdout : `${handle}\n`, `${handle}\n`);
        if (claims % 3 === 0) {
          doomed.add(handle);
          await client.destroy(handle);
          known.delete(handle);
        }
      }
    });
    const broken = Promise.allSettled(work);
    await Promise.race([enough, broken]);
    for (let turns = random(200); turns > 0; turns--) await new Promise(setImmediate);
    await server.daemon.stop('SIGKILL');
    for (const outcome of await broken) if (outcome.status === 'rejected') assert.match(String(outcome.reason), /closed the connection|EPIPE|ECONNRESET/);
    await server.revive();
    const control = await server.connect();
    const listed = new Set(await control.list());
    for (const handle of known) {
      // A destroy may have been done before its reply.
      if (doomed.has(handle) && !listed.has(handle)) continue;
      assert.equal(output(await control.run(handle, 'hostname')), `${handle}\n`);
    }
    for (const handle of listed) await control.destroy(handle);
    known.clear();
  }
  context.diagnostic(`${claims} creates were acknowledged`);
  assert.ok(claims > 0);
  await server.restart({});
  await untilWaiting(server, 0);
});
