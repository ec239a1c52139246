import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LinuxHostLinks } from './host-links.js';

test('interfaces of bandwidth limits are known by their name, with their alias', () => {
  const directory = mkdtempSync(join(tmpdir(), 'warden-links-'));
  try {
    for (const [name, alias] of [['w-a-2', 'warden warden 1j0\n'], ['w-b-2', '\n'], ['w-a-0', 'x\n'], ['eth0', '\n']] as const) {
      mkdirSync(join(directory, name));
      writeFileSync(join(directory, name, 'ifalias'), alias);
    }
    mkdirSync(join(directory, 'w-going-2'));
    assert.deepEqual(new LinuxHostLinks(directory).listIfbs().sort((one, other) => (one.ifbName < other.ifbName ? -1 : 1)), [
      { ifbName: 'w-a-2', alias: 'warden warden 1j0' }, { ifbName: 'w-b-2', alias: '' }, { ifbName: 'w-going-2', alias: '' },
    ]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('an interface is known by its number; one that is not there has none', () => {
  assert.equal(new LinuxHostLinks().indexOf('lo'), 1);
  assert.equal(new LinuxHostLinks().indexOf('w-nobody-0'), undefined);
});
