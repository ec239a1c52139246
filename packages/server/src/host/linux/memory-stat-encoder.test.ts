import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeResponse, encodeResponse, FrameDecoder, Type } from 'warden-protocol';
import { MemoryStatEncoder } from './memory-stat-encoder.js';
import { memoryStatisticsOfVersion1 } from './memory-statistics.js';

const text = (lines: Readonly<Record<string, number | bigint>>): string => Object.entries(lines).map(([name, value]) => `${name} ${value}\n`).join('');

const usual = {
  cache: 4096, rss: 2 ** 31, rss_huge: 0, shmem: 0, mapped_file: 127, dirty: 0, pgpgin: 128, pgpgout: 2 ** 32, swap: 0, pgfault: 999_999_999_999_999n, pgmajfault: 10n ** 15n, inactive_anon: 1, active_anon: 16_384,
  hierarchical_memory_limit: 9_223_372_036_854_771_712n, hierarchical_memsw_limit: 2n ** 53n + 1n, total_cache: 5, total_unevictable: 7, total_dirty: 9,
};

/** What a client reads in a reply that has it. */
function decoded(encoder: MemoryStatEncoder, source: string): unknown {
  const memoryStat = encoder.encode(Buffer.from(source));
  if (memoryStat === undefined) return undefined;
  const decoder = new FrameDecoder();
  decoder.push(encodeResponse(Type.Info, { state: 'active', memoryStat }));
  const { response } = decodeResponse(decoder.next() as Uint8Array);
  return 'memoryStat' in response ? response.memoryStat : undefined;
}

test('clients read what the objects of it have, whatever lines there are and in whatever order', () => {
  const encoder = new MemoryStatEncoder();
  const { swap: _swap, ...without } = usual;
  const reversed = Object.fromEntries(Object.entries(usual).reverse());
  const more = { ...usual, cache: 1, hierarchical_memory_limit: 1_048_576, hierarchical_memsw_limit: 2n ** 64n - 1n };
  for (const lines of [usual, more, usual, without, reversed, { rss: 1 }, {}, usual]) {
    assert.deepEqual(decoded(encoder, text(lines)), memoryStatisticsOfVersion1(text(lines)));
  }
});

test('what is not of the form that memory.stat has is not encoded, and does not spoil what comes after it', () => {
  const encoder = new MemoryStatEncoder();
  for (const broken of ['cache', 'cache 1', 'cache \n', ' 1\n', 'cache x\n', 'cache 1 2\n', '\n', `${text(usual)}rss`, text(usual).slice(0, -1)]) {
    assert.equal(encoder.encode(Buffer.from(broken)), undefined, JSON.stringify(broken));
    assert.deepEqual(decoded(encoder, text(usual)), memoryStatisticsOfVersion1(text(usual)));
  }
});

test('the bytes are their own: another reading does not change them', () => {
  const encoder = new MemoryStatEncoder();
  const first = encoder.encode(Buffer.from(text(usual)));
  const copy = Buffer.from(first?.bytes ?? []);
  encoder.encode(Buffer.from(text({ ...usual, cache: 77 })));
  assert.deepEqual(Buffer.from(first?.bytes ?? []), copy);
});
