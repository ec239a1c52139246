import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { depotKindOf, markDepotAsPlain } from './depot-kind.js';

test('a depot is known by who has begun it', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'depot-kind-'));
  t.after(() => rmSync(directory, { recursive: true }));
  assert.equal(depotKindOf(join(directory, 'none')), undefined);
  assert.equal(depotKindOf(directory), undefined);
  markDepotAsPlain(join(directory, 'made'));
  assert.equal(depotKindOf(join(directory, 'made')), 'Insecure');
  writeFileSync(join(directory, 'lock'), '');
  assert.equal(depotKindOf(directory), 'Linux');
});
