import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { buildNative, findOrphans, fingerprint, listSources } from './build.mjs';

/** @param {import('node:test').TestContext} t @param {Record<string, string>} files */
function checkout(t, files) {
  const root = mkdtempSync(join(tmpdir(), 'warden-build-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

test('sources are what people wrote, not what was built', (t) => {
  const root = checkout(t, { 'a/b.ts': '', 'a/dist/b.js': '', 'a/node_modules/c/c.ts': '', 'a/build/x.o': '', 'a/x.tsbuildinfo': '' });
  assert.deepEqual(listSources(join(root, 'a')), [join(root, 'a/b.ts')]);
  assert.deepEqual(listSources(join(root, 'missing')), []);
});

test('a fingerprint changes with a file\'s time, size and name', (t) => {
  const root = checkout(t, { 'a.ts': '1', 'b.ts': '1' });
  const [a, b] = [join(root, 'a.ts'), join(root, 'b.ts')];
  const before = fingerprint([a], '');
  assert.equal(fingerprint([a], ''), before);
  assert.notEqual(fingerprint([a, b], ''), before);
  assert.notEqual(fingerprint([a], 'another compiler'), before);
  utimesSync(a, 1, 1);
  assert.notEqual(fingerprint([a], ''), before);
});

test('outputs whose source was deleted are found', (t) => {
  const root = checkout(t, {
    'packages/server/src/kept.ts': '', 'packages/server/dist/kept.js': '', 'packages/server/dist/kept.d.ts': '', 'packages/server/dist/kept.js.map': '',
    'packages/server/dist/gone.test.js': '', 'packages/server/dist/gone.test.d.ts': '', 'test/dist/e2e/gone.test.js': '', 'test/e2e/kept.test.ts': '', 'test/dist/e2e/kept.test.js': '',
  });
  assert.deepEqual(findOrphans(root).map((path) => path.slice(root.length + 1)).sort(), ['packages/server/dist/gone.test.d.ts', 'packages/server/dist/gone.test.js', 'test/dist/e2e/gone.test.js']);
});

test('make runs when a source changed, and only then; its failure is shown', async (t) => {
  const root = checkout(t, { 'native/Makefile': 'release:\n\t@echo made >> ../log\n' });
  const build = () => buildNative(root, () => undefined, undefined, ['release']);
  assert.equal(await build(), true);
  assert.equal(await build(), false);
  writeFileSync(join(root, 'native/Makefile'), 'release:\n\t@echo "main.c:1: error: oops" >&2; false\n');
  await assert.rejects(build(), /make ended with status 2\n\s+main\.c:1: error: oops/);
  await assert.rejects(build(), /oops/, 'a failed build is tried again');
});
