/*
 * D2, D3: memory in nine ways, twice as much as the container may have. It is killed or refused, or the kernel gives up what can be written back; it never has
 * more than its limit, and nobody else notices. Each way takes as much where there is no limit, which shows that it can.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { groupFile, readGroupFile } from '../harness/cgroup-files.js';
import type { Client } from '../harness/client.js';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { withDeadline } from '../harness/wait.js';

const server = useServer({ rootfs: { probes: ['memory-bomb'] } });
const LIMIT = 24 << 20;
const BOMB = 2 * LIMIT;
const DESTROY_MS = 5_000;
/** The kernel charges in batches, some pages for each processor. */
const SLACK = 1 << 20;

interface Kind {
  readonly name: string;
  /** killed: by the OOM killer; written: what does not fit goes to the disk; not whole: killed or refused, somewhere between the limit and twice the limit. */
  readonly ends: 'killed' | 'written' | 'not whole';
}
const kinds: readonly Kind[] = [
  { name: 'heap', ends: 'killed' }, { name: 'memfd', ends: 'killed' }, { name: 'tmpfs', ends: 'killed' }, { name: 'dev-shm', ends: 'killed' },
  { name: 'pipes', ends: 'killed' }, { name: 'sockets', ends: 'killed' },
  { name: 'cache', ends: 'written' }, { name: 'mapped', ends: 'written' },
  // The kernel forces a packet for each connection upon a group that has no room left.
  { name: 'tcp', ends: 'not whole' },
];

/** What the group has had at most, memory of Internet sockets included where that is counted apart. */
async function most(client: Client, handle: string): Promise<{ memory: number; sockets: number }> {
  const group = join(server.slot.cgroupParent, basename((await client.info(handle)).container_path));
  const number = (...names: string[]): number => {
    const name = names.find((candidate) => existsSync(groupFile('memory', group, candidate)));
    return name === undefined ? 0 : Number(readGroupFile('memory', group, name));
  };
  return { memory: number('memory.max_usage_in_bytes', 'memory.peak', 'memory.current'), sockets: number('memory.kmem.tcp.max_usage_in_bytes') };
}

/** What the bomb says when it has what it gets; undefined: it was killed before. */
async function explode(client: Client, handle: string, kind: string): Promise<string | undefined> {
  const jobId = await client.spawn(handle, `exec /probes/memory-bomb ${kind} ${BOMB}`);
  for await (const { data, status } of (await server.connect()).stream(handle, jobId)) {
    if (status !== undefined) return undefined;
    if (/^(took|refused)/.test(data.toString())) return data.toString();
  }
  return undefined;
}

for (const { name, ends } of kinds) {
  test(`${name}: twice the limit`, async () => {
    const neighbour = await server.container();
    const free = await server.container();
    assert.equal(await explode(free.client, free.handle, name), `took ${BOMB}\n`, 'without a limit it has what it wants');
    const had = await most(free.client, free.handle);
    assert.ok(had.memory + had.sockets > BOMB, `the kernel counts it: ${JSON.stringify(had)}`);

    const { client, handle } = await server.container();
    await client.request('limit_memory', { handle, limit_in_bytes: BigInt(LIMIT) });
    const said = await explode(client, handle, name);
    const { memory, sockets } = await most(client, handle);
    const atMost = ends === 'not whole' ? BOMB : LIMIT + SLACK;
    assert.ok(memory <= atMost && sockets <= atMost, `it had ${memory} and ${sockets} bytes`);
    assert.equal(output(await neighbour.client.run(neighbour.handle, 'echo unharmed')), 'unharmed\n');
    const { events } = await client.info(handle);
    // What belongs to no process's own memory may cost PID 1 instead, which is one of the smallest then, and no larger than the bomb.
    if (said === undefined) assert.deepEqual(events.filter((event) => event !== 'the container\'s init process died'), ['out of memory']);
    else assert.deepEqual(events, []);
    if (ends === 'killed') assert.equal(said, undefined);
    else if (ends === 'written') assert.equal(said, `took ${BOMB}\n`);
    else assert.match(said ?? 'refused', /^refused/);
    for (const one of [{ client, handle }, free, neighbour]) await withDeadline(one.client.destroy(one.handle), DESTROY_MS, `destroy after ${name}`);
  });
}
