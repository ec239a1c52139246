/*
 * C10: a rule with `log` gives at most ten lines a second to the kernel's log, for all containers together, whatever they send. The kernel logs only what
 * happens in the machine's own network namespace, so that is where this daemon runs.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { useServer } from '../harness/fixture.js';
import { linkEnds } from '../harness/link-ends.js';
import type { End } from '../harness/link-ends.js';
import { probePath } from '../harness/rootfs.js';
import { mustRun } from '../harness/run-program.js';
import { World, WORLD_PORT } from '../harness/world.js';

const SYNS = 50_000;
const LINES_PER_SECOND = 10;
let world: World;
const server = useServer({ network: { release_delay: 5, connection_limit: 0, connection_rate: 0 }, rootfs: { probes: ['flood'] } }, async ({ slot }) => { world = await World.open(slot); });
after(() => world.close());

/** Times in seconds of the lines that our table has logged. */
async function logged(): Promise<number[]> {
  const text = await mustRun('dmesg', ['--color=never']);
  return text.split('\n').filter((line) => line.includes(`${server.slot.table}: `)).map((line) => Number(/^\[\s*([\d.]+)\]/.exec(line)?.[1]));
}

async function flood({ place }: End): Promise<number> {
  const text = await mustRun(probePath(server, 'flood'), ['tcp', world.address, String(WORLD_PORT + 1), String(SYNS)], { place });
  return Number(text.split(' ')[0]);
}

test('C10: a hundred thousand connections that are logged give ten lines a second', async () => {
  const before = (await logged()).at(-1) ?? 0;
  const client = await server.connect();
  const senders = [await linkEnds(server, 'log-a'), await linkEnds(server, 'log-b')];
  for (const handle of ['log-a', 'log-b']) await client.request('net_out', { handle, network: world.address, log: true });
  const sent = await Promise.all(senders.map(({ inside }) => flood(inside)));
  assert.ok(sent.every((count) => count > SYNS * 0.9), String(sent));
  const times = (await logged()).filter((time) => time > before);
  assert.ok(times.length > 0, 'the probe can succeed: new connections are logged');
  // The limit's bucket may be full at the beginning, and it fills while the flood lasts.
  for (const start of times) {
    const inOneSecond = times.filter((time) => time >= start && time < start + 1).length;
    assert.ok(inOneSecond <= LINES_PER_SECOND, `${inOneSecond} lines within a second`);
  }
});
