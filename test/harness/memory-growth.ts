/* How much a process grows while something goes on: its peak counts, not what it has at some moment afterwards. */
import assert from 'node:assert/strict';
import { commandLine, memoryOf, resetPeak } from './processes.js';

/** Runs `work` and requires that none of the processes was ever larger by more than `limit` bytes than before it. */
export async function growsAtMost<T>(pids: readonly number[], limit: number, work: () => Promise<T>): Promise<T> {
  const before = pids.map((pid) => {
    resetPeak(pid);
    return memoryOf(pid).resident;
  });
  const result = await work();
  for (const [index, pid] of pids.entries()) {
    const growth = memoryOf(pid).peak - (before[index] ?? 0);
    assert.ok(growth <= limit, `${commandLine(pid).slice(0, 60)} (pid ${pid}) grew by ${growth} bytes, more than ${limit}`);
  }
  return result;
}
