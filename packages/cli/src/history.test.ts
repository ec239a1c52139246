import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { History, MAX_HISTORY } from './history.js';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warden-history-'));
  path = join(directory, '.warden-history');
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('History', () => {
  it('is empty at first, and gives back what was saved', () => {
    const history = new History(path);
    assert.deepEqual(history.load(), []);
    history.save(['newest', 'older', 'ünï']);
    assert.equal(readFileSync(path, 'utf8'), 'ünï\nolder\nnewest\n');
    assert.deepEqual(history.load(), ['newest', 'older', 'ünï']);
    assert.deepEqual(readdirSync(directory), ['.warden-history']);
  });

  it('can be read by its owner only, also when it could be read by others before', () => {
    writeFileSync(path, 'old\n');
    chmodSync(path, 0o644);
    new History(path).save(['new']);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('is bounded in lines and their length, written and read', () => {
    const history = new History(path);
    history.save(Array.from({ length: 3 * MAX_HISTORY }, (_, index) => `line ${index}`));
    assert.equal(history.load().length, MAX_HISTORY);
    assert.equal(history.load()[0], 'line 0');
    history.save(['x'.repeat(100_000), 'short']);
    assert.deepEqual(history.load(), ['short']);
    writeFileSync(path, 'a\n'.repeat(5 * MAX_HISTORY));
    assert.equal(history.load().length, MAX_HISTORY);
  });

  it('tells when it cannot be written', () => {
    assert.throws(() => new History(join(directory, 'missing/history')).save(['x']), /ENOENT/);
  });
});
