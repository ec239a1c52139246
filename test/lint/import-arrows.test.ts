import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adaptersOnlyInMain, importArrows, importsOf } from './import-arrows.js';
import { complaints, sourceFiles } from './source-files.js';

const packageSources = sourceFiles(/^packages\/[a-z]+\/src\/.*\.ts$/);

test('imports point down the list of packages and folders only', () => {
  assert.ok(packageSources.length > 10);
  assert.deepEqual(complaints(importArrows, packageSources), []);
});

test('only main.ts names host/linux', () => {
  assert.deepEqual(complaints(adaptersOnlyInMain, packageSources), []);
});

test('every way to import is seen', () => {
  const text = "import a from 'a';\nimport {\n  b,\n} from \"b\";\nexport * from './c.js';\nimport 'd';\nconst e = await import('e');\nimport type { F } from 'f';";
  assert.deepEqual(importsOf(text).map(({ specifier }) => specifier), ['a', 'b', './c.js', 'd', 'e', 'f']);
  assert.deepEqual(importsOf(text).map(({ typeOnly }) => typeOnly), [false, false, false, false, false, true]);
});

const bad: readonly [path: string, text: string, complaint: RegExp][] = [
  ['packages/client/src/a.ts', "import { x } from 'warden-server';", /warden-client must not import warden-server/],
  ['packages/protocol/src/a.ts', "import { x } from 'warden-client';", /must not import warden-client/],
  ['packages/cli/src/a.ts', "import { x } from '../../server/src/main.js';", /leaves the package/],
  ['packages/server/src/container/a.ts', "import { readFileSync } from 'node:fs';", /must not use node:fs/],
  ['packages/server/src/container/a.ts', "import { spawn } from 'node:child_process';", /must not use node:child_process/],
  ['packages/server/src/container/a.ts', "import { x } from '../host/linux/launcher.js';", /must not import host\/linux/],
  ['packages/server/src/container/a.ts', "import { x } from '../server/session.js';", /container\/ must not import server/],
  ['packages/server/src/container/a.ts', "import { loadConfiguration } from '../config/load.js';", /container\/ must not import config/],
  ['packages/server/src/lib/a.ts', "import { x } from '../pool/uid-pool.js';", /lib\/ must not import pool/],
  ['packages/server/src/server/a.ts', "import { x } from '../main.js';", /points back up/],
];

for (const [path, text, complaint] of bad) {
  test(`${path} with ${text} is refused`, () => {
    assert.match(importArrows({ path, text }).join('\n'), complaint);
  });
}

test('what is allowed is not refused', () => {
  assert.deepEqual(importArrows({ path: 'packages/server/src/container/a.ts', text: "import { x } from '../host/host.js';\nimport { y } from '../lib/timer.js';\nimport { z } from './b.js';\nimport type { Configuration } from '../config/configuration.js';" }), []);
  assert.deepEqual(importArrows({ path: 'packages/server/src/main.ts', text: "import { x } from './host/linux/launcher.js';" }), []);
});

test('an adapter named outside of main.ts is refused', () => {
  assert.equal(adaptersOnlyInMain({ path: 'packages/server/src/server/a.ts', text: "import { x } from '../host/linux/launcher.js';" }).length, 1);
  assert.equal(adaptersOnlyInMain({ path: 'packages/server/src/main.ts', text: "import { x } from './host/linux/launcher.js';" }).length, 0);
});
