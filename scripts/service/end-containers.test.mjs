import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FakeServer } from '../../packages/client/dist/testing/index.js';
import { Type, WardenError } from '../../packages/protocol/dist/index.js';

const program = fileURLToPath(new URL('end-containers.mjs', import.meta.url));

/**
 * Runs the program for a server whose depot has these containers.
 * @param {import('node:test').TestContext} t
 * @param {readonly string[]} handles
 * @param {(handle: string, remove: () => void) => void} destroy
 */
async function endContainers(t, handles, destroy) {
  const depot = mkdtempSync(join(tmpdir(), 'warden-end-'));
  t.after(() => rmSync(depot, { recursive: true }));
  const containers = join(depot, 'containers');
  for (const handle of handles) mkdirSync(join(containers, handle), { recursive: true });
  const server = await FakeServer.listen({
    [Type.List]: () => ({ handles: [...handles] }),
    [Type.Destroy]: ({ handle }) => {
      destroy(handle, () => rmdirSync(join(containers, handle)));
      return {};
    },
  });
  t.after(() => server[Symbol.asyncDispose]());
  // A table that nobody has: there is no firewall to take away.
  const settings = { WARDEN__SERVER__UNIX_DOMAIN_PATH: server.path, WARDEN__SERVER__CONTAINER_DEPOT_PATH: depot, WARDEN__NETWORK__TABLE: 'warden_no_such_table' };
  const child = spawn(process.execPath, [program], { env: { ...process.env, ...settings } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { said += data; });
  const [status] = await once(child, 'close');
  return { status, said, left: readdirSync(containers) };
}

const handles = [...Array.from({ length: 19 }, (_, index) => `c${index}`), 'wild\u009b2J'];

test('a container that ends by itself meanwhile is as good as destroyed', async (t) => {
  const done = await endContainers(t, handles, (handle, remove) => {
    remove();
    if (handle === 'c13') throw new WardenError('not_found', 'unknown handle');
  });
  assert.deepEqual(done, { status: 0, said: '20 containers destroyed\n', left: [] });
});

test('one that cannot be destroyed keeps no other one alive, and is told', async (t) => {
  const done = await endContainers(t, handles, (handle, remove) => {
    if (handle === handles[19]) throw new WardenError('internal', 'the disk is gone');
    remove();
  });
  assert.deepEqual(done, { status: 1, said: 'ending containers: 1 of 20 containers cannot be destroyed: "wild\\u009b2J": the disk is gone\n', left: [handles[19]] });
});
