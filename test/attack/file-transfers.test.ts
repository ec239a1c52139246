/*
 * A container exchanges a directory and a symbolic link, as fast as it can, while its files are worked on from outside: by paths that lead to the host,
 * and with the rights of its root by paths that lead to where that archive has no business.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { WardenClient, WardenError } from 'warden-client';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { shortOrLong } from '../harness/soak.js';
import { END, entry } from '../harness/tar-blocks.js';

const server = useServer({ rootfs: { probes: ['exchange'] } });
const ROUNDS = shortOrLong(250, 1000);
const KEPT = 'of the host\n';

/** Whether it was done; what a path that is changing under it may answer is no more than that it was not. */
async function attempt(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    assert.ok(error instanceof WardenError && !['internal', 'protocol', 'unavailable'].includes(error.code), String(error));
    return false;
  }
}

test('paths that are exchanged meanwhile lead to nothing of the host', async () => {
  const { client, handle } = await server.container();
  const outside = `${server.slot.directory}/outside`;
  mkdirSync(`${outside}/sub`, { recursive: true });
  for (const name of ['canary', 'sub/canary']) writeFileSync(`${outside}/${name}`, KEPT);
  const api = await WardenClient.connect({ path: server.paths.socket });
  const { files } = api;
  await client.run(handle, `mkdir race race/real; ln -s ${outside} race/link`);
  const jobId = await client.spawn(handle, 'exec /probes/exchange race/real race/link stop');
  const archive = Buffer.concat([entry({ name: 'real/canary', content: 'changed' }), entry({ name: 'link/sub/canary', content: 'changed' }), END]);
  let written = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const name = round % 2 === 0 ? 'real' : 'link';
    const at = { handle, path: `race/${name}/canary` };
    if (await attempt(files.write(at, 'changed'))) written++;
    await attempt(files.read(at).text().then((text) => assert.notEqual(text, KEPT)));
    await attempt(files.tarIn({ handle, path: 'race' }, archive));
    if (round % 5 === 0) await attempt(files.tarOut({ handle, path: 'race' }).bytes().then((bytes) => assert.ok(!Buffer.from(bytes).includes(KEPT))));
    if (round % 5 === 1) await attempt(files.remove({ handle, path: `race/${name}/sub`, recursive: true }));
    if (round % 5 === 2) await attempt(files.list({ handle, path: `race/${name}` }));
    if (round % 5 === 3) await attempt(files.rename({ handle, path: `race/${name}/canary`, newPath: 'taken' }));
    if (round % 5 === 4) await attempt(files.makeDirectory({ handle, path: `race/${name}/sub/made`, parents: true }));
  }
  await client.run(handle, 'touch stop');
  assert.match(output(await client.link(handle, jobId)), /exchanged [1-9]\d{3,} times/);
  await api.close();
  assert.ok(written > 0 && written < ROUNDS, `${written} of ${ROUNDS} paths led to the directory: they were not exchanged while they were looked up`);
  assert.deepEqual(readdirSync(outside).sort(), ['canary', 'sub']);
  assert.deepEqual(readdirSync(`${outside}/sub`), ['canary']);
  for (const name of ['canary', 'sub/canary']) assert.equal(readFileSync(`${outside}/${name}`, 'utf8'), KEPT);
});

test('an archive that root extracts stays below its directory while a user exchanges what is in it', async () => {
  const { client, handle } = await server.container();
  const api = await WardenClient.connect({ path: server.paths.socket });
  const { files } = api;
  await client.run(handle, 'mkdir race race/d; ln -s /etc race/l');
  const jobId = await client.spawn(handle, 'exec /probes/exchange race/d race/l stop');
  const archive = Buffer.concat([entry({ name: 'd/escaped', content: 'x' }), entry({ name: 'l/escaped', content: 'x' }), entry({ name: 'd/deep/escaped', content: 'x' }), END]);
  let whole = 0;
  for (let round = 0; round < ROUNDS; round++) if (await attempt(files.tarIn({ handle, path: '/home/vcap/race', user: 'root' }, archive))) whole++;
  await client.run(handle, 'touch stop');
  assert.match(output(await client.link(handle, jobId)), /exchanged [1-9]\d{3,} times/);
  assert.ok(whole > 0, 'no archive was extracted');
  assert.ok(!(await files.list({ handle, path: '/etc', user: 'root' })).some(({ name }) => name === 'escaped' || name === 'deep'));
  await api.close();
});
