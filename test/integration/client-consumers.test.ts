/* The client as npm would install it, in a strict program of somebody else's, on every line of Node that it is for: it compiles with its declarations checked, and runs. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { MockServer } from 'warden-client/testing';
import { type InstalledNode, installNode, nodeVersions } from '../harness/node-versions.js';
import { repository } from '../harness/paths.js';
import { mustRun, runProgram } from '../harness/run-program.js';

const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
const strict = {
  strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noImplicitOverride: true, noPropertyAccessFromIndexSignature: true, noUnusedLocals: true, verbatimModuleSyntax: true,
  isolatedModules: true, skipLibCheck: false, target: 'ES2022', lib: ['ES2023', 'ESNext.Disposable'], types: ['node'], rootDir: '.', outDir: 'out',
};
const resolutions = [{ module: 'NodeNext', moduleResolution: 'NodeNext' }, { module: 'ESNext', moduleResolution: 'Bundler' }];

let directory: string;
let nodes: Map<string, Promise<InstalledNode>>;
before(async () => {
  // All at once, where they have to be fetched. Whoever waits for one is told why it is not there.
  nodes = new Map(nodeVersions.map((wanted) => [wanted.version, installNode(wanted)]));
  for (const node of nodes.values()) node.catch(() => undefined);
  directory = mkdtempSync(join(tmpdir(), 'warden-consumers-'));
  await mustRun('npm', ['pack', '--silent', '--pack-destination', directory, '-w', 'warden-client', '-w', 'warden-protocol'], { cwd: repository, timeoutMs: 60_000 });
});
after(() => rmSync(directory, { recursive: true, force: true }));

/** A directory with the packages as npm lays them out, and the types of that Node. */
async function consumer({ version, modules }: InstalledNode): Promise<string> {
  const home = join(directory, version);
  for (const name of ['warden-client', 'warden-protocol']) {
    const target = join(home, 'node_modules', name);
    mkdirSync(target, { recursive: true });
    const [archive] = readdirSync(directory).filter((entry) => entry.startsWith(`${name}-`) && entry.endsWith('.tgz'));
    await mustRun('tar', ['-xzf', join(directory, archive ?? ''), '-C', target, '--strip-components=1']);
  }
  cpSync(join(repository, 'node_modules/@bufbuild/protobuf'), join(home, 'node_modules/@bufbuild/protobuf'), { recursive: true });
  mkdirSync(join(home, 'node_modules/@types'), { recursive: true });
  symlinkSync(join(modules, '@types/node'), join(home, 'node_modules/@types/node'));
  writeFileSync(join(home, 'package.json'), '{ "private": true, "type": "module" }\n');
  for (const name of ['consumer.ts', 'program.ts']) cpSync(join(repository, 'packages/client/type-tests', name), join(home, name));
  return home;
}

for (const wanted of nodeVersions) {
  describe(`Node ${wanted.version}`, () => {
    let node: InstalledNode;
    let home: string;
    before(async () => {
      const installed = nodes.get(wanted.version);
      assert.ok(installed);
      node = await installed;
      home = await consumer(node);
    });

    test('is that Node', async () => {
      assert.equal(await mustRun(node.program, ['--version']), `v${wanted.version}\n`);
    });

    // Bundler first: what runs below is what was compiled last.
    for (const resolution of [...resolutions].reverse()) {
      test(`the types are what they promise, found by ${resolution.moduleResolution}`, async () => {
        writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...strict, ...resolution }, files: ['consumer.ts', 'program.ts'] }));
        const { stdout, status } = await runProgram(process.execPath, [compiler, '-p', home], { timeoutMs: 60_000 });
        assert.deepEqual([stdout, status], ['', 0]);
      });
    }

    test('every client runs', async () => {
      const { stdout, stderr, status } = await runProgram(node.program, [join(home, 'out/program.js')], { cwd: home, timeoutMs: 60_000 });
      assert.deepEqual([stdout, stderr, status], ['ok\n', '', 0]);
      await using server = await MockServer.listen({ program: () => 3 });
      const blocking = await runProgram(node.program, [join(home, 'out/program.js'), server.path], { cwd: home, timeoutMs: 60_000 });
      assert.deepEqual([blocking.stdout, blocking.stderr, blocking.status], ['ok\n', '', 0]);
    });
  });
}
