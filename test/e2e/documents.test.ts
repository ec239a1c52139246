/* Every command of the documents that a reader may type, against a daemon, and what they show below it. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { complaintsAbout, consoleBlocksOf, makeCheckoutView, readDocument, runConsoleBlock } from '../harness/console-blocks.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();

/** Blocks that other tests run, by document and heading, and which. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'README.md: Two commands': 'integration/start.test.ts; npm test is what runs this',
  'README.md: Images': 'integration/pull.test.ts, with a registry',
};

for (const document of ['README.md', 'examples/README.md']) {
  describe(document, () => {
    for (const block of consoleBlocksOf(readDocument(document))) {
      if (`${document}: ${block.title}` in ELSEWHERE) continue;
      test(`line ${block.at}, "${block.title}"`, async () => {
        const cwd = join(server.slot.directory, 'reader');
        makeCheckoutView(cwd);
        try {
          const ran = await runConsoleBlock(block, { cwd, socket: server.paths.socket });
          assert.deepEqual(complaintsAbout(ran), []);
        } finally {
          rmSync(cwd, { recursive: true });
        }
        // What a tour makes it destroys.
        assert.deepEqual(await (await server.connect()).list(), []);
      });
    }
  });
}

test('what is run elsewhere is there', () => {
  const headings = new Set(['README.md', 'examples/README.md'].flatMap((document) => consoleBlocksOf(readDocument(document)).map(({ title }) => `${document}: ${title}`)));
  assert.deepEqual(Object.keys(ELSEWHERE).filter((name) => !headings.has(name)), []);
});
