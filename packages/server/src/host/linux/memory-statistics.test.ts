import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryCounters } from '../statistics.js';
import { memoryStatisticsOfVersion1, memoryStatisticsOfVersion2 } from './memory-statistics.js';
import { unlimitedMemory } from '../limits.js';

/** Each line has a number of its own, and lines that clients do not know stand between. */
const ofVersion1 = [
  'cache 1', 'rss 2', 'rss_huge 77', 'shmem 78', 'mapped_file 3', 'dirty 79', 'writeback 80', 'swap 4', 'pgpgin 5', 'pgpgout 6', 'pgfault 7', 'pgmajfault 8',
  'inactive_anon 9', 'active_anon 10', 'inactive_file 11', 'active_file 12', 'unevictable 13', 'hierarchical_memory_limit 4096', 'hierarchical_memsw_limit 8192',
  'total_cache 101', 'total_rss 102', 'total_rss_huge 177', 'total_shmem 178', 'total_mapped_file 103', 'total_swap 104', 'total_pgpgin 105', 'total_pgpgout 106', 'total_pgfault 107',
  'total_pgmajfault 108', 'total_inactive_anon 109', 'total_active_anon 110', 'total_inactive_file 111', 'total_active_file 112', 'total_unevictable 18446744073709551615',
];

const ofVersion2 = [
  'anon 1', 'file 2', 'kernel 77', 'kernel_stack 78', 'sock 79', 'shmem 80', 'file_mapped 3', 'file_dirty 81', 'swapcached 82', 'anon_thp 83', 'inactive_anon 4', 'active_anon 5', 'inactive_file 6',
  'active_file 7', 'unevictable 8', 'slab 84', 'workingset_refault_anon 85', 'pgfault 9', 'pgmajfault 10', 'pgrefill 86',
];

const noFiles = { swapCurrent: undefined, max: undefined, swapMax: undefined, parentMax: undefined };

test('version 1 is read as it is, every line by its own name', () => {
  const statistics = memoryStatisticsOfVersion1(`${ofVersion1.join('\n')}\n`);
  assert.deepEqual(statistics, {
    cache: 1n, rss: 2n, mappedFile: 3n, swap: 4n, pgpgin: 5n, pgpgout: 6n, pgfault: 7n, pgmajfault: 8n, inactiveAnon: 9n, activeAnon: 10n, inactiveFile: 11n, activeFile: 12n, unevictable: 13n,
    hierarchicalMemoryLimit: 4096n, hierarchicalMemswLimit: 8192n,
    totalCache: 101n, totalRss: 102n, totalMappedFile: 103n, totalSwap: 104n, totalPgpgin: 105n, totalPgpgout: 106n, totalPgfault: 107n, totalPgmajfault: 108n, totalInactiveAnon: 109n,
    totalActiveAnon: 110n, totalInactiveFile: 111n, totalActiveFile: 112n, totalUnevictable: 2n ** 64n - 1n,
  });
});

test('a kernel that does not count swap says nothing of it, and the numbers are there nevertheless', () => {
  const statistics = memoryStatisticsOfVersion1(ofVersion1.filter((line) => !/swap|memsw/.test(line)).join('\n'));
  assert.deepEqual([statistics.swap, statistics.totalSwap, statistics.hierarchicalMemswLimit, statistics.rss], [0n, 0n, unlimitedMemory, 2n]);
});

test('version 2 is told in the terms of version 1, with the totals being the same', () => {
  const statistics = memoryStatisticsOfVersion2(ofVersion2.join('\n'), { ...noFiles, swapCurrent: '11\n' });
  const own = { rss: 1n, cache: 2n, mappedFile: 3n, inactiveAnon: 4n, activeAnon: 5n, inactiveFile: 6n, activeFile: 7n, unevictable: 8n, pgfault: 9n, pgmajfault: 10n, swap: 11n, pgpgin: 0n, pgpgout: 0n };
  for (const name of memoryCounters) {
    const total = `total${name[0]?.toUpperCase() ?? ''}${name.slice(1)}` as keyof typeof statistics;
    assert.deepEqual([statistics[name], statistics[total]], [own[name], own[name]], name);
  }
  assert.equal(Object.keys(statistics).length, 28);
});

test('limits of version 2: the least of the container\'s and that of all containers; with swap, the sum', () => {
  const limits = (files: Partial<typeof noFiles> | Record<string, string>) => {
    const { hierarchicalMemoryLimit, hierarchicalMemswLimit } = memoryStatisticsOfVersion2('', { ...noFiles, ...files });
    return [hierarchicalMemoryLimit, hierarchicalMemswLimit];
  };
  assert.deepEqual(limits({}), [unlimitedMemory, unlimitedMemory]);
  assert.deepEqual(limits({ max: 'max\n', swapMax: 'max\n', parentMax: 'max\n' }), [unlimitedMemory, unlimitedMemory]);
  assert.deepEqual(limits({ max: '8192\n', swapMax: '0\n', parentMax: 'max\n' }), [8192n, 8192n]);
  assert.deepEqual(limits({ max: '8192\n', swapMax: '4096\n', parentMax: '4096\n' }), [4096n, 12_288n]);
  assert.deepEqual(limits({ max: '8192\n', swapMax: 'max\n' }), [8192n, unlimitedMemory]);
  assert.deepEqual(limits({ max: 'max\n', swapMax: '0\n', parentMax: '16384\n' }), [16_384n, unlimitedMemory]);
});
