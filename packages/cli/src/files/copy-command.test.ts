import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { Type, WardenError } from 'warden-protocol';
import { FakeServer } from 'warden-client/testing';
import { main } from '../main.js';

async function warden(path: string, argv: readonly string[], isTTY: boolean): Promise<{ status: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), Object.assign(new PassThrough(), { isTTY, columns: 60 })];
  const status = await main(argv, { stdin: Readable.from([]), stdout, stderr }, { WARDEN_SOCKET: path });
  const text = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString('utf8') ?? '';
  return { status, stdout: text(stdout), stderr: text(stderr) };
}

const words = ['copy_in', '--handle', 'demo', '--src_path', '/a', '--dst_path', 'b'];

test('on a terminal the counts so far are shown, and taken away; the result is printed', async () => {
  await using server = await FakeServer.listen({
    [Type.CopyIn]: ({ progress }) => (async function* () {
      if (progress === true) {
        yield { progress: { made: 1n, bytes: 0n } };
        yield { progress: { made: 7n, bytes: 3_145_728n, skipped: 2n } };
      }
      yield { made: 9n, bytes: 4_000_000n, skipped: 2n, skippedPaths: ['x', 'y'] };
    })(),
  });
  const printed = 'made : 9\nbytes : 4000000\nskipped : 2\nskipped_paths[0] : x\nskipped_paths[1] : y\n';
  assert.deepEqual(await warden(server.path, words, true), { status: 0, stdout: printed, stderr: '\r\u001b[K1 entries, 0.0 MiB\r\u001b[K7 entries, 3.0 MiB, 2 left out\r\u001b[K' });
  assert.deepEqual(await warden(server.path, words, false), { status: 0, stdout: printed, stderr: '' });
});

test('an error ends the line before it is told', async () => {
  await using server = await FakeServer.listen({
    [Type.CopyOut]: () => (async function* () {
      yield { progress: { made: 1n, bytes: 1n } };
      throw new WardenError('exhausted', 'too much');
    })(),
  });
  assert.deepEqual(await warden(server.path, ['copy_out', ...words.slice(1)], true), { status: 1, stdout: '', stderr: '\r\u001b[K1 entries, 0.0 MiB\r\u001b[Ktoo much\n' });
});
