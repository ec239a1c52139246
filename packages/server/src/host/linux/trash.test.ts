import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../lib/log.js';
import { Trash } from './trash.js';

for (const { failures, calls, warned } of [{ failures: 0, calls: 1, warned: 0 }, { failures: 2, calls: 3, warned: 0 }, { failures: 99, calls: 5, warned: 1 }]) {
  test(`what is discarded goes together; after ${failures} failures ${warned === 0 ? 'it is gone' : 'it is left to the next start'}`, async () => {
    const asked: (readonly string[])[] = [];
    let warnings = 0;
    const trash = new Trash('/trash', (_directory, names) => {
      asked.push(names);
      return asked.length <= failures ? Promise.reject(new Error('the launcher ended with SIGKILL')) : Promise.resolve();
    }, { ...silentLog, warn: () => void warnings++ });
    trash.remove('a');
    trash.remove('b');
    await trash.emptied();
    assert.deepEqual([asked.length, new Set(asked.map(String)), warnings], [calls, new Set(['a,b']), warned]);
  });
}
