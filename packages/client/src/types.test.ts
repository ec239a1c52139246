import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const consumer = fileURLToPath(new URL('../type-tests/consumer.ts', import.meta.url));
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');

const strict = {
  strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, noImplicitOverride: true, noPropertyAccessFromIndexSignature: true, verbatimModuleSyntax: true,
  isolatedModules: true, skipLibCheck: false, noEmit: true, target: 'ES2022', lib: ['ES2023', 'ESNext.Disposable'], types: ['node'],
};

describe('the types of the package, in a strict program that also checks declarations', () => {
  for (const resolution of [{ module: 'NodeNext', moduleResolution: 'NodeNext' }, { module: 'ESNext', moduleResolution: 'Bundler' }]) {
    it(`are what they promise, found by ${resolution.moduleResolution}`, () => {
      const directory = mkdtempSync(join(tmpdir(), 'warden-types-'));
      try {
        const typeRoots = [join(dirname(compiler), '../../@types')];
        writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...strict, ...resolution, typeRoots }, files: [consumer] }));
        const { stdout, status } = spawnSync(process.execPath, [compiler, '-p', directory], { encoding: 'utf8', timeout: 60_000 });
        assert.deepEqual([stdout, status], ['', 0]);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    });
  }
});
