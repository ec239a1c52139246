import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStat, processesBelow } from './processes.js';

function stat(pid: number, name: string, parent: number): string {
  return `${pid} (${name}) S ${parent} 1 1 0 -1 4194304 0 0 0 0 7 5 0 0 20 0 3 0 1000 8192 2 0\n`;
}

test('a name cannot pretend to be fields', () => {
  const line = Buffer.from(stat(5, ') Z 1 1 (x', 4));
  assert.deepEqual(parseStat(line), { name: Buffer.from(') Z 1 1 (x'), state: 'S', parentPid: 4, threads: 3, cpuTicks: 12n, startTicks: 1000n });
  for (const text of ['', '5', '5 (x', '5 (x) S 1']) assert.equal(parseStat(Buffer.from(text)), undefined);
});

test('those below a monitor, however old, and nobody else; one that ends meanwhile is left out', () => {
  const files: Record<string, string> = {
    '/proc/10/stat': stat(10, 'plain-monitor', 1), '/proc/11/stat': stat(11, 'wshd', 10), '/proc/9/stat': stat(9, 'bash', 11), '/proc/8/stat': stat(8, 'sleep', 9), '/proc/7/stat': stat(7, 'gone', 9), '/proc/12/stat': stat(12, 'other', 1),
    ...Object.fromEntries([8, 9, 10, 11, 12].map((pid) => [`/proc/${pid}/status`, 'Name:\tx\nUid:\t1000\t1000\nVmRSS:\t     12 kB\n'])),
    '/proc/8/cmdline': 'sleep\x001000\x00', '/proc/11/cmdline': 'wshd', '/proc/9/cmdline': '',
  };
  const read = (path: string): Buffer => {
    const text = files[path];
    if (text === undefined) throw new Error('ENOENT');
    return Buffer.from(text, 'latin1');
  };
  const found = processesBelow(10, read, [7, 8, 9, 10, 11, 12, 13]);
  assert.deepEqual(found.map(({ pid, parentPid, uid, cpuTimeMs, residentBytes, commandLine }) => [pid, parentPid, uid, cpuTimeMs, residentBytes, commandLine === undefined ? undefined : Buffer.from(commandLine).toString('latin1')]), [
    [8, 9, 1000, 120n, 12288n, 'sleep\x001000'], [9, 11, 1000, 120n, 12288n, undefined], [11, 0, 1000, 120n, 12288n, 'wshd'],
  ]);
});
