/* What the configuration allows work on files over the connection. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { WardenClient, WardenError } from 'warden-client';
import { useServer } from '../harness/fixture.js';
import { END, entry } from '../harness/tar-blocks.js';

const server = useServer({ files: { transfers_max: 2, tar_entries_max: 3, tar_bytes_max: 1000 } });

function isExhausted(message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof WardenError && error.code === 'exhausted' && message.test(error.message);
}

test('an archive makes so many entries of so many bytes, and what is there stays', async () => {
  const { handle } = await server.container();
  const client = await WardenClient.connect({ path: server.paths.socket });
  const tarIn = (...entries: Buffer[]) => client.files.tarIn({ handle, path: '.' }, Buffer.concat([...entries, END]));
  const names = async (): Promise<string> => (await client.files.list({ handle, path: '.' })).map(({ name }) => name).filter((name) => /^[a-z]$/.test(name)).join('');
  assert.equal((await tarIn(...['a', 'b', 'c'].map((name) => entry({ name, content: 'x'.repeat(300) })))).entries, 3);
  await assert.rejects(tarIn(...['d', 'e', 'f', 'g'].map((name) => entry({ name }))), isExhausted(/more than 3 entries/));
  assert.equal(await names(), 'abcdef');
  await assert.rejects(tarIn(entry({ name: 'h', content: 'x'.repeat(400) }), entry({ name: 'i', content: 'x'.repeat(700) })), isExhausted(/more than 1000 bytes/));
  assert.equal(await names(), 'abcdefh', 'the one that did not fit is not there');
  await client.close();
});

test('so many transfers are under way for a container, and one that ends makes room', async () => {
  const { handle } = await server.container();
  const { handle: other } = await server.container();
  const client = await WardenClient.connect({ path: server.paths.socket });
  const begun: (() => void)[] = [];
  const ends: Promise<unknown>[] = [];
  for (const path of ['one', 'two']) {
    await new Promise<void>((resolve) => {
      const content = async function* (): AsyncGenerator<string, void, void> {
        yield 'beginning';
        // The next piece is asked for when the file is open.
        resolve();
        await new Promise<void>((end) => void begun.push(end));
      };
      ends.push(client.files.write({ handle, path }, content()));
    });
  }
  await assert.rejects(client.files.stat({ handle, path: '.' }), isExhausted(/2 requests for files of this container are under way/));
  assert.equal((await client.files.stat({ handle: other, path: '.' })).kind, 'directory');
  begun[0]?.();
  await ends[0];
  assert.equal(await client.files.read({ handle, path: 'one' }).text(), 'beginning');
  begun[1]?.();
  await ends[1];
  await client.close();
});

test('who goes on sending what is not taken any more learns why', async () => {
  const { handle } = await server.container();
  const client = await WardenClient.connect({ path: server.paths.socket });
  const limit = 5000;
  let pieces = 0;
  const endless = async function* (): AsyncGenerator<Buffer, void, void> {
    yield entry({ name: 'large', size: 2 ** 32 });
    for (; pieces < limit; pieces++) yield Buffer.alloc(1 << 16);
  };
  await assert.rejects(client.files.tarIn({ handle, path: '.' }, endless()), isExhausted(/more than 1000 bytes/));
  assert.ok(pieces < limit, 'all of it was sent before');
  await client.close();
});

test('transfers that were canceled are none of their connection any more', async () => {
  const { handle } = await server.container();
  const client = await WardenClient.connect({ path: server.paths.socket });
  for (let round = 0; round < 20; round++) {
    const abort = new AbortController();
    const content = async function* (): AsyncGenerator<string, void, void> {
      yield 'beginning';
      abort.abort();
      yield 'more';
    };
    await assert.rejects(client.files.write({ handle, path: `f${round}` }, content(), { signal: abort.signal }), { code: 'canceled' });
  }
  assert.equal(await client.files.write({ handle, path: 'last' }, Readable.from(['whole'])), 5n);
  await client.close();
});
