import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { it } from 'node:test';
import { Type, WardenError } from 'warden-protocol';
import { FakeServer } from 'warden-client/testing';
import { main } from './main.js';

async function run(events: readonly object[], end: 'close' | WardenError): Promise<{ status: number; stdout: string; stderr: string }> {
  const server = await FakeServer.listen({ [Type.Events]: async function* (_, { socket }) {
    yield { kind: 'listening', timeMs: 1n };
    for (const event of events) yield { timeMs: 1_000_000_000_000n, handle: 'h', ...event } as never;
    if (end !== 'close') throw end;
    socket.destroy();
  } });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  try {
    const status = await main(['events', '--handle', 'h'], { stdin: Readable.from([]), stdout, stderr }, { WARDEN_SOCKET: server.path });
    assert.deepEqual(server.requests.map(({ request }) => request), [{ handle: 'h' }]);
    return { status, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

it('events shows a line for each', async () => {
  const { status, stdout, stderr } = await run([
    { kind: 'created' }, { kind: 'event', event: 'out of \x1bmemory' }, { kind: 'job_started', jobId: 7 }, { kind: 'job_ended', jobId: 7, exitStatus: 3, missed: 2 },
    { kind: 'job_ended', jobId: 8, exitStatus: 255, signal: 9 }, { kind: 'job_ended', jobId: 9, signal: 9, timedOut: true }, { kind: 'job_ended', jobId: 9, lost: true },
    { kind: 'of a later server' }, { kind: 'destroyed' },
  ], 'close');
  const at = '2001-09-09T01:46:40.000Z h';
  assert.deepEqual(stdout.split('\n'), [`${at} created`, `${at} event out of \\x1bmemory`, `${at} job_started 7`, `${at} job_ended 7 status 3 (2 before it were missed)`,
    `${at} job_ended 8 SIGKILL`, `${at} job_ended 9 timed out`, `${at} job_ended 9 lost`, `${at} destroyed`, '']);
  assert.equal(status, 1);
  assert.match(stderr, /lost the connection/);
});

it('events of what does not exist is an error', async () => {
  const { status, stderr } = await run([], new WardenError('not_found', 'unknown handle'));
  assert.deepEqual([status, stderr], [1, 'unknown handle\n']);
});
