// Readers of the program's output that go before it writes, as in `warden … | head`.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Type, WardenError } from 'warden-protocol';
import { FakeServer } from 'warden-client/testing';
import { gate } from './test-program.js';

const program = fileURLToPath(new URL('../../../bin/warden', import.meta.url));

for (const name of ['stdout', 'stderr'] as const) it(`a reader of ${name} that has gone ends it as SIGPIPE does`, async () => {
  const gone = gate();
  await using server = await FakeServer.listen({ [Type.Echo]: async () => {
    await gone.promise;
    if (name === 'stderr') throw new WardenError('failed', 'nobody reads this');
    return { message: 'nobody reads this' };
  } });
  const child = spawn(process.execPath, [program, '--socket', server.path, 'echo', '--message', 'x'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  child[name].destroy();
  await once(child[name], 'close');
  gone.resolve();
  assert.deepEqual(await ended, [141, null]);
});
