// Programs that are tested with the mock server, by its promise, find there what the commands look at.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MockServer } from 'warden-client/testing';
import { WardenClient } from 'warden-client';
import { Program } from '../test-program.js';

it('the mock server answers what commands ask that look', async () => {
  let end = (): void => undefined;
  await using server = await MockServer.listen({ program: () => new Promise((resolve) => { end = () => resolve(0); }) });
  await using client = new WardenClient({ path: server.path });
  const { handle } = await client.create({ labels: [{ key: 'tier', value: 'front' }] });
  await client.spawn({ handle, script: 'work' });
  const json = async (...words: string[]): Promise<object[]> => {
    const { status, stdout, stderr } = await new Program(server.path, [...words, '-o', 'json']).end();
    assert.deepEqual([status, stderr], [0, ''], words.join(' '));
    return JSON.parse(stdout) as object[];
  };
  assert.deepEqual((await json('top', handle)).map((process) => (process as { command_line: string[] }).command_line), [[`wshd: ${handle}`], ['/bin/bash']]);
  assert.equal((await json('ps', '-f', 'label=tier=front')).length, 1);
  assert.equal((await json('ps', '-f', 'label=tier=back')).length, 0);
  assert.equal((await json('inspect', handle)).length, 1);
  await json('limits', handle);
  await json('stats', '--no-stream', '--interval', '0.1');
  await json('port', handle);
  end();
});
