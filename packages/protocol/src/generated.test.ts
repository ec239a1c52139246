// src/gen is committed so that a build needs no protoc; this proves that it is what the .proto files say.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

it('regenerating gives the committed files', () => {
  const out = mkdtempSync(join(tmpdir(), 'warden-gen-'));
  try {
    execFileSync(process.execPath, [join(root, 'scripts/gen.mjs'), out]);
    const committed = join(root, 'src/gen');
    assert.deepEqual(readdirSync(out).sort(), readdirSync(committed).sort());
    for (const name of readdirSync(out)) {
      // protoc-gen-es copies comments as they are and its own version: both belong to the comparison.
      assert.equal(readFileSync(join(out, name), 'utf8'), readFileSync(join(committed, name), 'utf8'), `${name}: run npm run gen -w warden-protocol`);
    }
  } finally {
    rmSync(out, { recursive: true });
  }
});
