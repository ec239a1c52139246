import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { silentLog } from '../../lib/log.js';
import { BeingDestroyed, MountsLeft, ProcessesLeft, type Monitor, type MonitorEvent } from '../monitor.js';
import { exit, failed, job, ok, output, Sink, TestMonitor } from './test-monitor.js';
import { EventKind, ExitKind, FrameType, JobState, StreamNumber, Tag } from './wire.js';
import { FrameWriter } from './wire-codec.js';

let peer: TestMonitor;
let monitor: Monitor;
let connections: Socket[];
let warnings: object[];
const log = { ...silentLog, warn: (facts: object) => void warnings.push(facts) };

beforeEach(async () => {
  warnings = [];
  peer = new TestMonitor();
  ({ connections } = peer);
  await peer.listen();
  monitor = peer.open(log);
});

afterEach(() => peer.close());

test('a cut of the output is part of the exit, and a destroy that has begun refuses watchers', async () => {
  peer.answer = (frame, _attributes, socket) => {
    if (frame.type === FrameType.watch) socket.write(failed(108));
    else socket.write(Buffer.concat([ok, new FrameWriter().u32(Tag.exitKind, ExitKind.signalled).u32(Tag.exitValue, 9).u32(Tag.outputCut, 1).frame(FrameType.exit)]));
  };
  assert.deepEqual(await (await monitor.follow(1, new Sink())).exit, { kind: 'signalled', signal: 9, outputCut: true });
  await assert.rejects(monitor.watch(() => undefined, () => undefined), BeingDestroyed);
});

test('a connection is used again after a reply, an error and an exit', async () => {
  peer.answer = (frame, attributes, socket) => {
    if (frame.type === FrameType.follow) socket.write(Buffer.concat([ok, exit(ExitKind.exited, 0)]));
    else if (attributes.u32(Tag.jobId) === 404) socket.write(failed(2));
    else socket.write(ok);
  };
  await monitor.forget(1);
  await assert.rejects(monitor.forget(404), { message: 'find job: no such file or directory (ENOENT)' });
  await (await monitor.follow(1, new Sink())).exit;
  await monitor.forget(1);
  assert.equal(connections.length, 1);
});

test('requests at the same time have connections of their own, and few are kept', async () => {
  const waiting: Socket[] = [];
  peer.answer = (_frame, _attributes, socket) => {
    waiting.push(socket);
    if (waiting.length === 6) for (const each of waiting) each.write(ok);
  };
  await Promise.all(Array.from({ length: 6 }, () => monitor.forget(1)));
  assert.equal(connections.length, 6);
  waiting.length = 0;
  const closed = connections.map((socket) => socket.destroyed || once(socket, 'close'));
  await Promise.race(closed);
  peer.answer = (_frame, _attributes, socket) => socket.write(ok);
  await monitor.forget(1);
  assert.equal(connections.length, 6);
});

test('output comes in order and whole, then the exit', async () => {
  const big = Buffer.alloc(256 * 1024, 'x');
  peer.answer = (_frame, attributes, socket) => {
    assert.deepEqual([attributes.u32(Tag.followOutput), attributes.u64(Tag.forgetUpTo)], [1, 5000n]);
    socket.write(Buffer.concat([ok, output(0, StreamNumber.stdout, 'a'), output(1, StreamNumber.stderr, 'b'), output(2, StreamNumber.stdout, big), exit(ExitKind.signalled, 9)]));
  };
  const sink = new Sink();
  const followed = await monitor.spawnFollowed(job, sink, 5000);
  assert.deepEqual(await followed.exit, { kind: 'signalled', signal: 9 });
  assert.deepEqual(sink.pieces.map(([stream, data]) => [stream, data.length]), [['stdout', 1], ['stderr', 1], ['stdout', big.length]]);
});

test('what the container used comes with the exit, and not before', async () => {
  const usage = (text: string) => new FrameWriter().u32(Tag.exitKind, ExitKind.exited).u32(Tag.exitValue, 3).bytes(Tag.usage, Buffer.from(text)).bytes(Tag.usage, Buffer.from('pids.max\0max\n')).frame(FrameType.exit);
  let end = (): void => assert.fail('no request came');
  peer.answer = (_frame, _attributes, socket) => {
    socket.write(ok);
    end = () => void socket.write(usage('cpuacct.usage\x0017\n'));
  };
  const followed = await monitor.follow(1, new Sink());
  assert.equal(followed.usage?.(), undefined);
  end();
  assert.deepEqual(await followed.exit, { kind: 'exited', status: 3 });
  assert.deepEqual(['cpuacct.usage', 'pids.max', 'cpuacct', 'pids.max2', ''].map((name) => followed.usage?.()?.get(name)?.toString()), ['17\n', 'max\n', undefined, undefined, undefined]);
  // A monitor of an earlier build tells none.
  peer.answer = (_frame, _attributes, socket) => socket.write(Buffer.concat([ok, exit(ExitKind.exited, 0)]));
  const older = await monitor.follow(1, new Sink());
  await older.exit;
  assert.equal(older.usage?.(), undefined);
});

test('destroy: told when all are dead, before the answer; and only of what is empty, where that is the wish', async () => {
  const seen: string[] = [];
  peer.answer = (frame, attributes, socket) => {
    assert.deepEqual([frame.type, attributes.u32(Tag.ifEmpty), attributes.u32(Tag.tellDead)], [FrameType.destroy, 1, 1]);
    socket.write(Buffer.concat([new FrameWriter().frame(FrameType.dead), ok]));
  };
  await monitor.destroy(1000, { ifEmpty: true, dead: () => void seen.push('dead') });
  seen.push('done');
  assert.deepEqual(seen, ['dead', 'done']);
  const other = peer.open(log);
  peer.answer = (_frame, _attributes, socket) => socket.write(failed(16));
  await assert.rejects(other.destroy(1000, { ifEmpty: true }), ProcessesLeft);
  await assert.rejects(other.destroy(1000), (error) => !(error instanceof ProcessesLeft));
  // A monitor that an earlier server has made may be of an earlier build, which would not look.
  const asked = connections.length;
  await assert.rejects(peer.open(log, true).destroy(1000, { ifEmpty: true }), ProcessesLeft);
  assert.equal(connections.length, asked);
});

test('a destroy that could not be finished is none that was refused, whatever the number of its error', async () => {
  const seen: string[] = [];
  peer.answer = (_frame, _attributes, socket) => socket.write(Buffer.concat([new FrameWriter().frame(FrameType.dead), failed(16)]));
  const destroyed = monitor.destroy(1000, { ifEmpty: true, dead: () => void seen.push('dead') });
  await assert.rejects(destroyed, (error) => !(error instanceof ProcessesLeft));
  assert.deepEqual(seen, ['dead']);
});

test('a destroy whose mounts are left is known by its step', async () => {
  peer.answer = (_frame, _attributes, socket) => socket.write(new FrameWriter().text(Tag.step, 'unmount').u32(Tag.errno, 110).text(Tag.detail, 'the container\'s mounts').frame(FrameType.error));
  for (const ifEmpty of [false, true]) await assert.rejects(monitor.destroy(1000, { ifEmpty }), (error) => error instanceof MountsLeft && error.code === 'timeout' && /^unmount \(the container's mounts\)/.test(error.message));
});

test('a sink that has enough stops the reading, until it is resumed', async () => {
  const piece = Buffer.alloc(128 * 1024, 'x');
  const count = 100;
  let sent = 0;
  peer.answer = (_frame, _attributes, socket) => {
    socket.write(ok);
    const send = (): void => {
      while (sent < count) {
        sent++;
        if (!socket.write(output(0, StreamNumber.stdout, piece))) {
          socket.once('drain', send);
          return;
        }
      }
      socket.write(exit(ExitKind.exited, 0));
    };
    send();
  };
  const sink = new Sink();
  sink.accept = false;
  const followed = await monitor.follow(1, sink);
  // Another connection goes on meanwhile; once nothing moves any more, the peer is held up.
  const other = peer.open(log);
  const follow = peer.answer;
  peer.answer = (_frame, _attributes, socket) => socket.write(ok);
  for (let still = 0, last = -1; still < 20; last = sent) {
    await other.forget(1);
    still = last === sent ? still + 1 : 0;
  }
  other.close();
  peer.answer = follow;
  assert.ok(sent < count, `${sent} of ${count} pieces were taken`);
  sink.accept = true;
  followed.resume();
  assert.deepEqual(await followed.exit, { kind: 'exited', status: 0 });
  assert.equal(sink.pieces.length, count);
});

test('a monitor that dies ends every request, followed job and watch', async () => {
  peer.answer = (frame, _attributes, socket) => {
    if (frame.type === FrameType.follow || frame.type === FrameType.watch) socket.write(ok);
  };
  let lost = 0;
  await monitor.watch(() => assert.fail('no event'), () => lost++);
  const followed = await monitor.follow(1, new Sink());
  const request = monitor.forget(1);
  while (connections.length < 3) await new Promise((resolve) => setImmediate(resolve));
  const settled = Promise.allSettled([followed.exit, request]);
  for (const socket of connections) socket.destroy();
  peer.server.close();
  for (const result of await settled) {
    assert.equal(result.status, 'rejected');
    assert.equal(result.reason.code, 'unavailable');
  }
  while (lost === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(lost, 1);
  await assert.rejects(monitor.forget(1), { code: 'unavailable', name: 'MonitorGone' });
});

test('whether a monitor is gone is asked over a new connection, and again when that breaks off', async () => {
  peer.answer = (_frame, _attributes, socket) => socket.write(ok);
  assert.equal(await monitor.isGone(), false);
  peer.answer = (_frame, _attributes, socket) => socket.write(failed(5));
  assert.equal(await monitor.isGone(), false, 'an error is an answer');
  const before = connections.length;
  peer.answer = (_frame, _attributes, socket) => {
    socket.destroy();
    if (connections.length === before + 2) peer.server.close();
  };
  assert.equal(await monitor.isGone(), true);
  assert.equal(connections.length, before + 2);
});

test('closing the way ourselves is not the death of the monitor', async () => {
  await monitor.watch(() => undefined, () => assert.fail('nobody died'));
  const [socket] = connections;
  const closed = once(socket!, 'close');
  monitor.close();
  await closed;
});

test('nor is closing it before the monitor has answered', async () => {
  peer.answer = () => undefined;
  const watching = monitor.watch(() => undefined, () => assert.fail('nobody died'));
  monitor.close();
  await assert.rejects(watching, { code: 'canceled' });
});

test('events, jobs and exits are read', async () => {
  const event = (kind: number, write: (writer: FrameWriter) => void = () => undefined): Buffer => {
    const writer = new FrameWriter().u32(Tag.event, kind).u32(Tag.jobId, 7);
    write(writer);
    return writer.frame(FrameType.event);
  };
  peer.answer = (frame, _attributes, socket) => {
    if (frame.type === FrameType.watch) {
      socket.write(Buffer.concat([
        ok,
        event(EventKind.outputLimit),
        event(EventKind.jobEnded, (writer) => writer.u32(Tag.exitKind, ExitKind.exited).u32(Tag.exitValue, 3)),
        event(EventKind.rlimitClamped, (writer) => writer.u32(Tag.resource, 7).u64(Tag.hard, 20_000n)),
        event(EventKind.jobTimedOut),
        event(EventKind.jobEnded, (writer) => writer.u32(Tag.exitKind, ExitKind.signalled).u32(Tag.exitValue, 9).u32(Tag.timedOut, 1)),
        event(EventKind.wshdDied, (writer) => writer.u32(Tag.status, 9)),
      ]));
      return;
    }
    socket.write(
      new FrameWriter()
        .nested(Tag.job, (writer) => writer.u32(Tag.jobId, 1).u32(Tag.state, JobState.running).u64(Tag.position, 2n ** 33n).u64(Tag.startedMs, 1_700_000_000_000n).u32(Tag.pid, 17).text(Tag.command, 'sleep ü'))
        .nested(Tag.job, (writer) => writer.u32(Tag.jobId, 2).u32(Tag.state, JobState.ended).u32(Tag.exitKind, ExitKind.lost).u32(Tag.exitValue, 0))
        .nested(Tag.job, (writer) => writer.u32(Tag.jobId, 3).u32(Tag.state, JobState.ended).u32(Tag.exitKind, ExitKind.signalled).u32(Tag.exitValue, 9).u32(Tag.timedOut, 1)
          .u64(Tag.startedMs, 1n).u64(Tag.endedMs, 2n).u32(Tag.pid, 18).text(Tag.command, ''))
        .frame(FrameType.ok),
    );
  };
  const events: MonitorEvent[] = [];
  await monitor.watch((received) => events.push(received), () => undefined);
  while (events.length < 6) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(events, [
    { kind: 'output_limit', jobId: 7 },
    { kind: 'job_ended', jobId: 7, exit: { kind: 'exited', status: 3 } },
    { kind: 'rlimit_clamped', jobId: 7, resource: 7, hard: 20_000n },
    { kind: 'job_timed_out', jobId: 7 },
    { kind: 'job_ended', jobId: 7, exit: { kind: 'signalled', signal: 9, timedOut: true } },
    { kind: 'init_died', status: 9 },
  ]);
  assert.deepEqual(await monitor.list(), [
    { jobId: 1, exit: undefined, outputBytes: 2n ** 33n, startedMs: 1_700_000_000_000n, endedMs: undefined, pid: 17, command: 'sleep ü' },
    { jobId: 2, exit: { kind: 'lost' }, outputBytes: 0n, startedMs: undefined, endedMs: undefined, pid: undefined, command: undefined },
    { jobId: 3, exit: { kind: 'signalled', signal: 9, timedOut: true }, outputBytes: 0n, startedMs: 1n, endedMs: 2n, pid: 18, command: '' },
  ]);
});

test('an event of another version is logged and ignored, and those behind it are received', async () => {
  peer.answer = (_frame, _attributes, socket) => {
    const event = (kind: number): Buffer => new FrameWriter().u32(Tag.event, kind).u32(Tag.jobId, 7).frame(FrameType.event);
    socket.write(Buffer.concat([ok, event(4711), event(EventKind.outputLimit)]));
  };
  const events: MonitorEvent[] = [];
  await new Promise<void>((resolve, reject) => {
    const receive = (event: MonitorEvent): void => {
      events.push(event);
      resolve();
    };
    monitor.watch(receive, () => reject(new Error('the watch ended'))).catch(reject);
  });
  assert.deepEqual(events, [{ kind: 'output_limit', jobId: 7 }]);
  assert.deepEqual(warnings.map((facts) => 'event' in facts && facts.event), [4711]);
});

test('waiting is bounded, and a late answer is nobody\'s', async () => {
  peer.answer = () => undefined;
  await assert.rejects(monitor.endAll(15, 20), { code: 'timeout', message: /processes were left after 0\.02 s/ });
  peer.answer = (_frame, _attributes, socket) => socket.write(ok);
  await monitor.forget(1);
});

test('all is ended by one request; a monitor that was there before the server need not know that one, and is asked as ever', async () => {
  const requests: [number, number | undefined][] = [];
  const waiting: Socket[] = [];
  // As the first version of it: who waits is not asked for a signal.
  peer.answer = ({ type }, attributes, socket) => {
    requests.push([type, attributes.u32(Tag.signal)]);
    if (type === FrameType.awaitEmpty) waiting.push(socket);
    else socket.write(ok);
    if (requests.some(([each]) => each === FrameType.signalAll)) for (const each of waiting.splice(0)) each.write(ok);
  };
  await peer.open(log, true).endAll(15, 10_000);
  assert.deepEqual(requests.sort(([one], [other]) => one - other), [[FrameType.signalAll, 15], [FrameType.awaitEmpty, undefined]]);
  requests.length = 0;
  peer.answer = ({ type }, attributes, socket) => {
    requests.push([type, attributes.u32(Tag.signal)]);
    socket.write(ok);
  };
  await monitor.endAll(15, 10_000);
  assert.deepEqual(requests, [[FrameType.awaitEmpty, 15]]);
});

test('bytes that are no frame end the connection, not the server', async () => {
  peer.answer = (_frame, _attributes, socket) => socket.write(Buffer.alloc(64, 0xff));
  await assert.rejects(monitor.forget(1), { code: 'unavailable', message: /malformed frame/ });
  peer.answer = (_frame, _attributes, socket) => socket.write(Buffer.concat([ok, ok]));
  await monitor.forget(1);
  peer.answer = (_frame, _attributes, socket) => socket.write(ok);
  await monitor.forget(1);
});
