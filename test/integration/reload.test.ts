/* SIGHUP: the configuration of a running daemon. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { configurationText } from '../harness/configuration.js';
import type { Overrides } from '../harness/configuration.js';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();

async function reload(text: string, logged: string): Promise<void> {
  const from = server.daemon.log.length;
  writeFileSync(server.paths.configuration, text);
  server.daemon.child.kill('SIGHUP');
  await server.daemon.logged(logged, { from });
}

const textOf = (overrides: Overrides): string => configurationText(server.slot, overrides);

test('what can change is in force for the next job, and the log names what needs a restart', async () => {
  const { client, handle } = await server.container();
  const write = 'head -c 5000 /dev/zero | tr "\\0" x';
  assert.equal(output(await client.run(handle, write)).length, 5000);
  await reload(textOf({ server: { job_output_limit: 1000 }, network: { mtu: 1400 } }), 'in force only after a restart: network.mtu');
  const { status } = await client.run(handle, write);
  assert.equal(status, 255);
  assert.ok((await client.info(handle)).events.includes('command exceeded maximum output'));
  await reload(textOf({}), 'the configuration was read anew');
  assert.equal(output(await client.run(handle, write)).length, 5000);
});

test('a mistake changes nothing', async () => {
  const { client, handle } = await server.container();
  await reload('server: {job_output_limit: few}', 'the configuration is not right any more');
  assert.equal(output(await client.run(handle, 'echo here')), 'here\n');
  await reload(textOf({}), 'the configuration was read anew');
});
