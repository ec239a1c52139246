// A fake server in a process of its own, for tests of clients that block theirs. It prints its path, and ends with its input.
import { Type, WardenError } from 'warden-protocol';
import { FakeServer } from './fake-server.js';
import { fileHandlers } from './mock-files.js';
import { MockImages } from './mock-images.js';
import { MockTree } from './mock-tree.js';

const tree = new MockTree();
const server = await FakeServer.listen({
  ...fileHandlers(() => tree),
  ...new MockImages().handlers(),
  [Type.Echo]: ({ message }) => ({ message }),
  [Type.Info]: ({ handle }) => {
    if (handle === 'nobody') throw new WardenError('not_found', 'unknown handle');
    return { state: 'active', memoryStat: { cache: 2n ** 63n }, jobIds: [7n] };
  },
  [Type.Link]: () => new Promise(() => undefined),
  [Type.Run]: ({ script }) => ({ exitStatus: 3, stdout: Buffer.from(script), stderr: Buffer.alloc(100_000, 7), info: { state: 'active' } }),
  [Type.Stream]: async function* ({ jobId }) {
    if (jobId === 0) throw new WardenError('not_found', 'no such job');
    for (let piece = 0; piece < jobId; piece++) yield { name: piece % 2 === 0 ? 'stdout' : 'stderr', data: Buffer.alloc(30_000, piece) };
    yield { exitStatus: 5 };
  },
  [Type.Logs]: async function* ({ sinceByte = 0n }) {
    yield { name: 'stdout', data: Buffer.from('abc'), position: sinceByte };
    yield { last: true, position: sinceByte + 3n };
  },
});
process.stdin.resume();
process.stdin.on('end', () => void server[Symbol.asyncDispose]());
process.stdout.write(`${server.path}\n`);
