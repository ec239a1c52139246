import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { afterEach, beforeEach, test } from 'node:test';
import type { Monitor, OutputSink } from '../monitor.js';
import { exit, failed, job, ok, output, Sink, TestMonitor } from './test-monitor.js';
import { ExitKind, FrameType, StreamNumber, Tag } from './wire.js';
import { FrameWriter, type Attributes } from './wire-codec.js';

let peer: TestMonitor;
let monitor: Monitor;

beforeEach(async () => {
  peer = new TestMonitor();
  await peer.listen();
  monitor = peer.open();
});

afterEach(() => peer.close());

test('a job goes out with all that describes it', async () => {
  let seen: Attributes | undefined;
  peer.answer = (frame, attributes, socket) => {
    assert.equal(frame.type, FrameType.spawn);
    seen = attributes;
    socket.write(ok);
  };
  await monitor.spawn(job);
  assert.ok(seen !== undefined);
  assert.equal(seen.u32(Tag.jobId), 5);
  assert.equal(seen.text(Tag.argument), '/bin/bash');
  assert.equal(seen.text(Tag.script), 'echo \0 ü');
  assert.equal(seen.text(Tag.workingDirectory), '/home/vcap');
  assert.deepEqual([seen.u32(Tag.uid), seen.u32(Tag.gid), seen.u32(Tag.privileged), seen.u32(Tag.discard)], [10_000, 10_001, 0, 1]);
  assert.equal(seen.u64(Tag.outputLimit), 10n);
  assert.deepEqual([seen.text(Tag.logTag), seen.text(Tag.timeZone)], ['app.1', 'UTC0']);
  assert.equal(seen.u32(Tag.followOutput), undefined);
  const [limit] = seen.nested(Tag.rlimit);
  assert.deepEqual([limit?.u32(Tag.resource), limit?.u64(Tag.soft), limit?.u64(Tag.hard)], [7, 1n, 2n ** 64n - 1n]);
  assert.equal(seen.text(Tag.command), 'echo');
  for (const tag of [Tag.requireDirectory, Tag.userName, Tag.openInput, Tag.terminal, Tag.rows, Tag.timeoutMs]) assert.equal(seen.bytes(tag), undefined);
});

test('what a job may have besides a script goes out when it is asked for', async () => {
  let seen: Attributes | undefined;
  peer.answer = (_frame, attributes, socket) => {
    seen = attributes;
    socket.write(ok);
  };
  await monitor.spawn({
    ...job, script: undefined, workingDirectory: undefined, requireDirectory: true, userName: 'daemon', openInput: true, terminal: { rows: 24, columns: 80 }, timeoutMs: 2n ** 40n,
  });
  assert.ok(seen !== undefined);
  assert.deepEqual([seen.bytes(Tag.script), seen.bytes(Tag.workingDirectory)], [undefined, undefined]);
  assert.deepEqual([seen.u32(Tag.requireDirectory), seen.text(Tag.userName), seen.u32(Tag.openInput)], [1, 'daemon', 1]);
  assert.deepEqual([seen.u32(Tag.terminal), seen.u32(Tag.rows), seen.u32(Tag.columns), seen.u64(Tag.timeoutMs)], [1, 24, 80, 2n ** 40n]);
});

test('input, sizes and signals go to their job, and errors say what is wrong with it', async () => {
  const seen: unknown[] = [];
  let errno = 0;
  peer.answer = (frame, attributes, socket) => {
    seen.push([frame.type, attributes.u32(Tag.jobId), attributes.text(Tag.content), attributes.u32(Tag.closeInput), attributes.u32(Tag.rows), attributes.u32(Tag.columns), attributes.u32(Tag.signal)]);
    socket.write(errno === 0 ? ok : failed(errno));
  };
  await monitor.writeInput(5, Buffer.from('text'), false).taken;
  await monitor.writeInput(5, Buffer.alloc(0), true).taken;
  await monitor.resize(5, 24, 80);
  await monitor.signalJob(5, 15);
  assert.deepEqual(seen, [
    [FrameType.input, 5, 'text', undefined, undefined, undefined, undefined],
    [FrameType.input, 5, undefined, 1, undefined, undefined, undefined],
    [FrameType.resize, 5, undefined, undefined, 24, 80, undefined],
    [FrameType.killJob, 5, undefined, undefined, undefined, undefined, 15],
  ]);
  errno = constants.errno.ENOENT;
  await assert.rejects(monitor.writeInput(5, Buffer.alloc(1), false).taken, { code: 'not_found', message: 'no such job' });
  await assert.rejects(monitor.resize(5, 1, 1), { code: 'not_found', message: 'no such job' });
  await assert.rejects(monitor.signalJob(5, 9), { code: 'not_found', message: 'no such job' });
  errno = constants.errno.EPIPE;
  await assert.rejects(monitor.writeInput(5, Buffer.alloc(1), false).taken, { code: 'wrong_state', message: /^job 5 reads no input any more$/ });
  errno = constants.errno.EINVAL;
  await assert.rejects(monitor.writeInput(5, Buffer.alloc(1), false).taken, { code: 'wrong_state', message: /^job 5 has no open input: .*without stdin and tty$/ });
  await assert.rejects(monitor.resize(5, 1, 1), { code: 'wrong_state', message: /^job 5 has no terminal: .*without tty$/ });
  await assert.rejects(monitor.readOutput(5, { position: 9n, follow: true }, new Sink()), { code: 'invalid_argument', message: 'byte 9 is beyond the end of the output of job 5' });
  errno = constants.errno.EIO;
  await assert.rejects(monitor.signalJob(5, 9), { code: 'internal', message: /^job 5: find job: .*EIO/ });
});

test('input that is given up closes its own connection, and no other', async () => {
  peer.answer = (frame, _attributes, socket) => {
    if (frame.type !== FrameType.input) socket.write(ok);
  };
  const write = monitor.writeInput(5, Buffer.alloc(1024), false);
  await monitor.forget(1);
  assert.equal(peer.connections.length, 2);
  write.giveUp();
  await assert.rejects(write.taken, { code: 'unavailable' });
  await monitor.forget(1);
  assert.equal(peer.connections.length, 2, 'the other one was used again');

  peer.answer = (_frame, _attributes, socket) => socket.write(ok);
  const late = monitor.writeInput(5, Buffer.alloc(1), false);
  await late.taken;
  late.giveUp();
  await monitor.forget(1);
  assert.equal(peer.connections.length, 2, 'what was taken is not given up');
});

test('of output that is not wanted only the lengths come, and of one stream only that is asked for', async () => {
  const asked: unknown[] = [];
  peer.answer = (frame, attributes, socket) => {
    asked.push([frame.type, attributes.u64(Tag.outputUpTo), attributes.u64(Tag.forgetUpTo), attributes.u32(Tag.onlyStream)]);
    const end = new FrameWriter().u32(Tag.exitKind, ExitKind.exited).u32(Tag.exitValue, 4).u64(Tag.stdoutBytes, 2n ** 33n).u64(Tag.stderrBytes, 7n).frame(FrameType.exit);
    socket.write(Buffer.concat([ok, output(0, StreamNumber.stdout, 'x'), attributes.u64(Tag.outputUpTo) === undefined ? exit(ExitKind.exited, 4) : end]));
  };
  const sink = new Sink();
  for (const upToInBytes of [100, 200, 200]) assert.deepEqual(await (await monitor.spawnFollowed(job, sink, upToInBytes)).exit, { kind: 'exited', status: 4 });
  await (await monitor.follow(5, sink, { upToInBytes: 5 })).exit;
  await (await monitor.follow(5, sink, { only: 'stderr' })).exit;
  await (await monitor.follow(5, sink)).exit;
  assert.deepEqual(asked, [[FrameType.spawn, 100n, 100n, undefined], [FrameType.spawn, 200n, 200n, undefined], [FrameType.spawn, 200n, 200n, undefined], [FrameType.follow, 5n, undefined, undefined], [FrameType.follow, undefined, undefined, 2], [FrameType.follow, undefined, undefined, undefined]]);
  assert.deepEqual(sink.lengths, Array.from({ length: 4 }, () => [2 ** 33, 7]));
});

test('who gives up a job that has ended does not touch the connection, which may be another one\'s by then', async () => {
  let end = (): void => assert.fail('no request came');
  peer.answer = (_frame, _attributes, socket) => {
    socket.write(ok);
    end = () => void socket.write(exit(ExitKind.exited, 0));
  };
  const first = await monitor.follow(1, new Sink());
  end();
  await first.exit;
  const sink = new Sink();
  sink.accept = false;
  peer.answer = (_frame, _attributes, socket) => {
    socket.write(Buffer.concat([ok, output(0, StreamNumber.stdout, 'x')]));
    end = () => void socket.write(exit(ExitKind.exited, 7));
  };
  const second = await monitor.follow(2, sink);
  assert.equal(peer.connections.length, 1);
  first.resume();
  first.close();
  second.resume();
  end();
  assert.deepEqual(await second.exit, { kind: 'exited', status: 7 });
});

test('the memory of a large piece is used again when it was released, and a piece that was not stays as it came', async () => {
  const length = 200 * 1024;
  const letters = ['a', 'b', 'c', 'd'];
  peer.answer = (_frame, _attributes, socket) => {
    socket.write(Buffer.concat([ok, ...letters.map((letter, index) => output(index * length, StreamNumber.stdout, letter.repeat(length))), exit(ExitKind.exited, 0)]));
  };
  const pieces: Buffer[] = [];
  const sink: OutputSink = {
    output(_stream, data, _position, release) {
      pieces.push(data);
      if (pieces.length !== 2) release?.();
      return true;
    },
  };
  await (await monitor.follow(5, sink)).exit;
  const [a, b, c, d] = pieces;
  assert.ok(b?.equals(Buffer.alloc(length, 'b')) && d?.equals(Buffer.alloc(length, 'd')));
  assert.deepEqual([a?.buffer === b?.buffer, b?.buffer === c?.buffer, c?.buffer === d?.buffer], [true, false, true]);
});

test('output is read from a position, up to what there is or up to the end of the job', async () => {
  const asked: unknown[] = [];
  peer.answer = (frame, attributes, socket) => {
    asked.push([frame.type, attributes.u64(Tag.position), attributes.u32(Tag.noWait)]);
    const end = attributes.u32(Tag.noWait) === 1 ? new FrameWriter().frame(FrameType.exit) : exit(ExitKind.exited, 4);
    socket.write(Buffer.concat([ok, output(2 ** 33, StreamNumber.stderr, 'x'), end]));
  };
  const sink = new Sink();
  const now = await monitor.readOutput(5, { position: 2n ** 33n, follow: false }, sink);
  assert.equal(await now.exit, undefined);
  const whole = await monitor.readOutput(5, { position: 0n, follow: true }, sink);
  assert.deepEqual(await whole.exit, { kind: 'exited', status: 4 });
  assert.deepEqual(asked, [[FrameType.follow, 2n ** 33n, 1], [FrameType.follow, 0n, undefined]]);
  assert.deepEqual(sink.positions, [2n ** 33n, 2n ** 33n]);
});
