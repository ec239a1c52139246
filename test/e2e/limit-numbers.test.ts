/*
 * Numbers that no limit can be: each request answers with an error, and the limit stays what it was, or with what docs/limits.md says the number
 * means, and that is in force. Nothing is silently no limit, and the server goes on. Those of rlimits: rlimit-numbers.test.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import type { Fields } from '../harness/wire.js';

const server = useServer();
const [SIGNED, LARGEST] = [2n ** 63n, 2n ** 64n - 1n];
const UNLIMITED_MEMORY = 9_223_372_036_854_771_712n;
const MIB = 1n << 20n;

type LimitRequest = 'limit_memory' | 'limit_cpu' | 'limit_disk';

interface Case {
  readonly request: LimitRequest;
  /** In force before each of the others. */
  readonly before: Fields;
  readonly refused: readonly Fields[];
  /** What is asked for, and what is in force then. */
  readonly meant: readonly (readonly [Fields, Fields])[];
}

const cases: readonly Case[] = [
  {
    request: 'limit_memory', before: { limit_in_bytes: 64n * MIB },
    refused: [{ limit_in_bytes: 0n }, { limit_in_bytes: 1n }, { limit_in_bytes: 4095n }],
    meant: [SIGNED, SIGNED + 1n, LARGEST].map((value) => [{ limit_in_bytes: value }, { limit_in_bytes: UNLIMITED_MEMORY }] as const),
  },
  {
    request: 'limit_cpu', before: { limit_in_shares: 512n, quota_in_us: 50_000n, period_in_us: 100_000n },
    refused: [
      { quota_in_us: 1n }, { quota_in_us: SIGNED }, { quota_in_us: LARGEST }, { period_in_us: 0n }, { period_in_us: SIGNED }, { period_in_us: LARGEST }, { quota_in_us: 1000n, period_in_us: LARGEST },
      { cpus: '18446744073709551615' }, { cpus: '9223372036854775808' }, { cpus: '-1' }, { cpus: '1-0' }, { limit_in_shares: 1024n, quota_in_us: 1n },
    ],
    meant: [[0n, 2n], [1n, 2n], [SIGNED, 262_144n], [LARGEST, 262_144n]].map(([asked, inForce]) => [{ limit_in_shares: asked }, { limit_in_shares: inForce }] as const),
  },
  {
    request: 'limit_disk', before: { byte_limit: 20n * MIB },
    refused: [
      ...['byte', 'block'].flatMap((kind) => ['', '_limit', '_soft', '_hard'].flatMap((name) => [SIGNED, LARGEST].map((value) => ({ [`${kind}${name}`]: value })))),
      { block: 2n ** 54n }, { inode: SIGNED }, { inode_hard: LARGEST },
      { byte_soft: 30n * MIB, byte_hard: 10n * MIB }, { block_soft: 2n, block_hard: 1n }, { byte_soft: LARGEST, byte_hard: 10n * MIB }, { byte_limit: 10n * MIB, inode_soft: 2n, inode_hard: 1n },
    ],
    meant: [
      [{ byte_limit: 0n }, { byte_limit: 0n }], [{ block_hard: 0n }, { byte_limit: 0n }], [{ byte_soft: 5n * MIB, byte_hard: 5n * MIB }, { byte_limit: 5n * MIB }],
      [{ byte_soft: 5n * MIB, byte_hard: 6n * MIB }, { byte_limit: 6n * MIB }], [{ byte_hard: 5n * MIB + 1n }, { byte_limit: 5n * MIB + 1024n }],
    ],
  },
];

function subset(answer: Fields, wanted: Fields): Fields {
  return Object.fromEntries(Object.keys(wanted).map((name) => [name, answer[name]]));
}

for (const { request, before, refused: impossible, meant } of cases) {
  test(`${request}: what cannot be is an error, and changes nothing`, async () => {
    const { client, handle } = await server.container();
    const set = (fields: Fields): Promise<Fields> => client.request(request, { handle, ...fields });
    const inForce = await set(before);
    assert.deepEqual(subset(inForce, before), before);
    for (const fields of impossible) {
      await refused(set(fields), 'invalid_argument', /./);
      assert.deepEqual(await set({}), inForce, JSON.stringify(fields, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)));
    }
    assert.equal(output(await client.run(handle, 'echo on')), 'on\n');
  });

  test(`${request}: what is beyond has a meaning, which the answer tells`, async () => {
    const { client, handle } = await server.container();
    for (const [fields, answer] of meant) {
      await client.request(request, { handle, ...before });
      assert.deepEqual(subset(await client.request(request, { handle, ...fields }), answer), answer);
      assert.deepEqual(subset(await client.request(request, { handle }), answer), answer);
    }
    assert.equal(output(await client.run(handle, 'echo on')), 'on\n');
  });
}

test('limit_bandwidth: what cannot be is an error, and changes nothing', async () => {
  const { client, handle } = await server.container();
  const bandwidthOf = async (each: Client): Promise<unknown> => (await each.info(handle)).bandwidth_stat;
  const unlimited = 4_294_967_295n;
  assert.deepEqual(await bandwidthOf(client), { in_rate: unlimited, in_burst: unlimited, out_rate: unlimited, out_burst: unlimited });
  for (const [rate, burst] of [[0n, 1000n], [1000n, 0n], [0n, 0n], [SIGNED, 1000n], [LARGEST, 1000n], [1_000_000n, SIGNED], [1_000_000n, LARGEST], [LARGEST, LARGEST]] as const) {
    await refused(client.request('limit_bandwidth', { handle, rate, burst }), 'invalid_argument', /rate|burst/);
  }
  assert.deepEqual(await bandwidthOf(client), { in_rate: unlimited, in_burst: unlimited, out_rate: unlimited, out_burst: unlimited });
  await client.request('limit_bandwidth', { handle, rate: 1_000_000n, burst: 100_000n });
  const before = await bandwidthOf(client);
  for (const [rate, burst] of [[0n, 1000n], [LARGEST, LARGEST]] as const) await refused(client.request('limit_bandwidth', { handle, rate, burst }), 'invalid_argument', /rate/);
  assert.deepEqual(await bandwidthOf(client), before);
});
