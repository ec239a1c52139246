/* The launcher dies: nobody but the log notices. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();

test('the first create after the launcher was killed succeeds', async () => {
  const { client, handle } = await server.container();
  process.kill(server.daemon.launcherPid, 'SIGKILL');
  const next = await client.create();
  assert.equal(output(await client.run(next, 'echo made')), 'made\n');
  await client.destroy(next);
  assert.equal(output(await client.run(handle, 'echo lives')), 'lives\n');
  await server.destroyAll();
  await server.restart({});
});
