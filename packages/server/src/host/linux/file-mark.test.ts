import assert from 'node:assert/strict';
import { type BigIntStats, chmodSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stillThere } from './file-mark.js';

const directory = mkdtempSync(join(tmpdir(), 'warden-file-mark-'));
after(() => rmSync(directory, { recursive: true }));
const path = join(directory, 'file');
const look = (): BigIntStats | undefined => lstatSync(path, { bigint: true, throwIfNoEntry: false });
/** When the clock of the file system has gone on for certain. */
const later = (): number => Date.now() + 10_000;

test('whatever comes to stand at the path, or is changed there, is noticed', () => {
  const changes: Record<string, () => void> = {
    'something where nothing was': () => writeFileSync(path, 'one'),
    'its content': () => writeFileSync(path, 'two'),
    'its mode': () => chmodSync(path, 0o600),
    'another file of the same size': () => {
      writeFileSync(`${path}.new`, 'two');
      renameSync(`${path}.new`, path);
    },
    'a link': () => {
      rmSync(path);
      symlinkSync('file.new', path);
    },
    'a directory': () => {
      rmSync(path);
      mkdirSync(path);
    },
    'what the directory has in it': () => mkdirSync(join(path, 'usr')),
    nothing: () => rmSync(path, { recursive: true }),
  };
  for (const [what, change] of Object.entries(changes)) {
    const isStill = stillThere(look(), look, later());
    assert.equal(isStill(), true, what);
    change();
    assert.equal(isStill(), false, what);
  }
});

test('what was changed just before it was found, or by a clock that was ahead, is not certain', () => {
  writeFileSync(path, 'one');
  const found = look();
  const changedMs = Number(found?.ctimeMs);
  assert.deepEqual([changedMs - 1000, changedMs, changedMs + 99, changedMs + 101].map((nowMs) => stillThere(found, look, nowMs)()), [false, false, false, true]);
});

test('what cannot be looked at is not certain', () => {
  const isStill = stillThere(statSync('/usr', { bigint: true }), () => {
    throw new Error('EMFILE');
  });
  assert.equal(isStill(), false);
});
