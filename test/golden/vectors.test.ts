// The golden vectors are what their generator makes, and what Google's protobuf reads. packages/protocol replays them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const golden = fileURLToPath(new URL('../../golden/', import.meta.url));
const proto = fileURLToPath(new URL('../../../packages/protocol/proto/', import.meta.url));

/** Debian's python3-protobuf belongs to Debian's own python3, which need not be the first in PATH. */
const PYTHON = '/usr/bin/python3';

test('make.py makes the committed vectors', () => {
  const made = execFileSync(PYTHON, [join(golden, 'make.py')], { encoding: 'utf8', maxBuffer: 1 << 24 });
  assert.equal(made, readFileSync(join(golden, 'vectors.json'), 'utf8'));
});

test('Google\'s protobuf agrees with every vector', (t) => {
  const out = mkdtempSync(join(tmpdir(), 'warden-golden-'));
  t.after(() => rmSync(out, { recursive: true }));
  execFileSync('protoc', [`-I${proto}`, `--python_out=${out}`, ...readdirSync(proto).filter((name) => name.endsWith('.proto'))]);
  const { vectors } = JSON.parse(readFileSync(join(golden, 'vectors.json'), 'utf8')) as { vectors: unknown[] };
  assert.equal(execFileSync(PYTHON, ['-B', join(golden, 'agree.py'), out], { encoding: 'utf8' }), `${vectors.length} vectors agree\n`);
});
