import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { afterEach, beforeEach, test } from 'node:test';
import type { Monitor } from '../monitor.js';
import type { FileEntry, ProcessEntry, TransferOrder, TransferSink } from '../transfer.js';
import { TestMonitor } from './test-monitor.js';
import { writeOrder } from './transfer.js';
import { EntryKind, FileOperation, FrameType, Tag, TransferFlag } from './wire.js';
import { Attributes, frameHeader, FrameReader, FrameWriter, type Frame } from './wire-codec.js';

let peer: TestMonitor;
let monitor: Monitor;

beforeEach(async () => {
  peer = new TestMonitor();
  await peer.listen();
  monitor = peer.open();
});

afterEach(() => peer.close());

class Sink implements TransferSink {
  readonly found: FileEntry[] = [];
  text = '';
  accept = true;

  entries(entries: FileEntry[]): boolean {
    this.found.push(...entries);
    return this.accept;
  }

  content(data: Uint8Array): boolean {
    this.text += Buffer.from(data).toString();
    return this.accept;
  }
}

const order: TransferOrder = { operation: 'read', user: { uid: 10_000, gid: 10_000, privileged: false, home: '/home/vcap' }, path: Buffer.from('f') };

function content(text: string): Buffer {
  return Buffer.concat([frameHeader(FrameType.content, text.length), Buffer.from(text)]);
}

function entry(writer: FrameWriter, name: string | undefined, modifiedNs = 7n): FrameWriter {
  return writer.nested(Tag.entry, (inner) => {
    if (name !== undefined) inner.text(Tag.name, name);
    inner.u32(Tag.entryKind, EntryKind.directory).u32(Tag.mode, 0o755).u32(Tag.uid, 1).u32(Tag.gid, 2).u64(Tag.fileSize, 3n).u64(Tag.modifiedNs, modifiedNs).u32(Tag.count, 4);
  });
}

/** What the peer gets, as it gets it. */
function received(count: number): Promise<Frame[]> {
  const frames: Frame[] = [];
  return new Promise((resolve) => {
    const answer = peer.answer;
    peer.answer = (frame, attributes, socket) => {
      frames.push(frame);
      answer(frame, attributes, socket);
      if (frames.length === count) resolve(frames);
    };
  });
}

function attributesOf(sent: TransferOrder): Attributes {
  let seen: Attributes | undefined;
  new FrameReader().push(writeOrder(sent), (frame) => {
    assert.equal(frame.type, FrameType.transfer);
    seen = new Attributes(frame.body);
  });
  assert.ok(seen !== undefined);
  return seen;
}

test('an order says what, for whom, and nothing that it was not given', () => {
  const seen = attributesOf(order);
  assert.deepEqual([seen.u32(Tag.fileOperation), seen.text(Tag.path), seen.u32(Tag.uid), seen.u32(Tag.gid), seen.u32(Tag.privileged), seen.text(Tag.workingDirectory)], [FileOperation.read, 'f', 10_000, 10_000, 0, '/home/vcap']);
  for (const tag of [Tag.userName, Tag.transferFlags, Tag.target, Tag.mode, Tag.position, Tag.length, Tag.entryLimit, Tag.byteLimit, Tag.content]) assert.equal(seen.bytes(tag), undefined);
});

test('what it was given goes along, bytes as they are', () => {
  const path = Buffer.from([0x61, 0xff, 0x0a]);
  const seen = attributesOf({
    operation: 'write', user: { name: 'daemon' }, path, flags: ['create', undefined, 'append'], target: path, mode: 0, position: 0n, length: 1n, entryLimit: 2n, byteLimit: 3n, content: new Uint8Array(0),
  });
  assert.deepEqual([seen.text(Tag.userName), seen.u32(Tag.uid), seen.bytes(Tag.path), seen.bytes(Tag.target)], ['daemon', undefined, path, path]);
  assert.deepEqual([seen.u32(Tag.transferFlags), seen.u32(Tag.mode), seen.u64(Tag.position), seen.u64(Tag.length)], [TransferFlag.create | TransferFlag.append, 0, 0n, 1n]);
  assert.deepEqual([seen.u64(Tag.entryLimit), seen.u64(Tag.byteLimit), seen.bytes(Tag.content)?.length], [2n, 3n, 0]);
  assert.throws(() => writeOrder({ ...order, user: { name: 'a\0b' } }), { code: 'invalid_argument' });
});

test('a read brings an entry, content and an end', async () => {
  peer.answer = (_frame, _attributes, socket) => {
    socket.write(Buffer.concat([entry(new FrameWriter(), undefined).frame(FrameType.ok), content('con'), content('tent'), new FrameWriter().u64(Tag.length, 7n).frame(FrameType.contentEnd)]));
  };
  const sink = new Sink();
  const transfer = monitor.transfer(order, sink);
  await transfer.opened;
  assert.deepEqual(await transfer.ended, { length: 7n, entries: undefined, more: false, notes: [] });
  assert.deepEqual([sink.text, sink.found.length, sink.found[0]?.kind, sink.found[0]?.sizeInBytes], ['content', 1, 'directory', 3n]);
});

test('nothing is read while the sink does not take it', async () => {
  const sink = new Sink();
  sink.accept = false;
  peer.answer = (_frame, _attributes, socket) => void socket.write(Buffer.concat([new FrameWriter().frame(FrameType.ok), content('first')]));
  const transfer = monitor.transfer(order, sink);
  await transfer.opened;
  while (sink.text === '') await new Promise((resolve) => setImmediate(resolve));
  const [socket] = peer.connections;
  assert.ok(socket !== undefined);
  await new Promise<void>((resolve) => {
    socket.write(Buffer.concat([content('second'), new FrameWriter().frame(FrameType.contentEnd)]), () => resolve());
  });
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(sink.text, 'first');
  sink.accept = true;
  transfer.resume();
  await transfer.ended;
  assert.equal(sink.text, 'firstsecond');
});

test('a list brings pages, and an order without more of them one answer', async () => {
  const sink = new Sink();
  peer.answer = (_frame, _attributes, socket) => {
    const pages = [entry(entry(new FrameWriter(), 'a'), 'b'), entry(new FrameWriter(), 'c', (1n << 63n) + 5n)].map((writer) => writer.frame(FrameType.ok));
    socket.write(Buffer.concat([...pages, new FrameWriter().u64(Tag.length, 3n).u64(Tag.entryLimit, 3n).frame(FrameType.contentEnd)]));
  };
  assert.equal((await monitor.transfer({ ...order, operation: 'list' }, sink).ended).more, true);
  assert.deepEqual(sink.found.map(({ name, modifiedNs }) => [Buffer.from(name ?? []).toString(), modifiedNs]), [['a', 7n], ['b', 7n], ['c', 0n]]);
  peer.answer = (_frame, _attributes, socket) => void socket.write(new FrameWriter().frame(FrameType.ok));
  await monitor.transfer({ ...order, operation: 'remove' }, sink).ended;
  await monitor.transfer({ ...order, operation: 'write', content: Buffer.from('x') }, sink).ended;
});

test('processes come in pages, with what they have told of themselves', async () => {
  const page = (pid: number, commandLine?: string): Buffer => new FrameWriter().nested(Tag.process, (inner) => {
    inner.u32(Tag.pid, pid).u32(Tag.parentPid, 1).u32(Tag.uid, 5).u32(Tag.processState, 'S'.charCodeAt(0)).u32(Tag.count, 2).u64(Tag.cpuTimeMs, 70n).u64(Tag.bytes, 4096n).u64(Tag.startedMs, 9n).bytes(Tag.name, Buffer.from('\xff\n', 'latin1'));
    if (commandLine !== undefined) inner.bytes(Tag.commandLine, Buffer.from(commandLine));
  }).frame(FrameType.ok);
  peer.answer = (_frame, _attributes, socket) => void socket.write(Buffer.concat([page(7, 'a\0b'), page(8), new FrameWriter().u64(Tag.length, 2n).frame(FrameType.contentEnd)]));
  const found: ProcessEntry[] = [];
  const end = await monitor.transfer({ ...order, operation: 'processes' }, Object.assign(new Sink(), { processes: (some: ProcessEntry[]) => found.push(...some) > 0 })).ended;
  assert.equal(end.more, false);
  const common = { parentPid: 1, uid: 5, state: 'S', threads: 2, cpuTimeMs: 70n, residentBytes: 4096n, startedMs: 9n };
  assert.deepEqual(found.map(({ name, commandLine, ...rest }) => ({ ...rest, name: Buffer.from(name ?? []).toString('latin1'), commandLine: commandLine === undefined ? undefined : Buffer.from(commandLine).toString() })),
    [{ ...common, pid: 7, name: '\xff\n', commandLine: 'a\0b' }, { ...common, pid: 8, name: '\xff\n', commandLine: undefined }]);
});

test('content is written in frames of a bounded size, and the end is a second answer', async () => {
  let bytes = 0;
  peer.answer = (frame, _attributes, socket) => {
    bytes += frame.type === FrameType.content ? frame.body.length : 0;
    if (frame.type === FrameType.transfer) socket.write(new FrameWriter().frame(FrameType.ok));
    if (frame.type === FrameType.contentEnd) socket.write(new FrameWriter().u64(Tag.length, BigInt(bytes)).u64(Tag.position, 2n).text(Tag.line, 'a note').text(Tag.line, 'another').frame(FrameType.ok));
  };
  const frames = received(5);
  const transfer = monitor.transfer({ ...order, operation: 'tarIn' }, new Sink());
  await transfer.opened;
  await transfer.write(Buffer.alloc((2 << 20) + 1));
  transfer.finish();
  assert.deepEqual((await frames).map(({ type, body }) => (type === FrameType.content ? body.length : type)), [FrameType.transfer, 1 << 20, 1 << 20, 1, FrameType.contentEnd]);
  assert.deepEqual(await transfer.ended, { length: (2n << 20n) + 1n, entries: 2n, more: false, notes: ['a note', 'another'] });
  await transfer.write(Buffer.from('behind its end'));
  transfer.finish();
});

test('one piece may be behind what the container has taken, and no more; its memory is given back when that is taken', async () => {
  let stopped: Socket | undefined;
  let bytes = 0;
  peer.answer = (frame, _attributes, socket) => {
    bytes += frame.type === FrameType.content ? frame.body.length : 0;
    if (frame.type === FrameType.transfer) {
      socket.write(new FrameWriter().frame(FrameType.ok));
      socket.pause();
      stopped = socket;
    }
    if (frame.type === FrameType.contentEnd) socket.write(new FrameWriter().u64(Tag.length, BigInt(bytes)).frame(FrameType.ok));
  };
  const transfer = monitor.transfer({ ...order, operation: 'tarIn' }, new Sink());
  await transfer.opened;
  const told: string[] = [];
  const piece = Buffer.alloc(1 << 20);
  await transfer.write(piece, () => told.push('the first is taken'));
  const second = transfer.write(piece, () => told.push('the second is taken')).then(() => void told.push('room for a third'));
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(told, []);
  stopped?.resume();
  await second;
  assert.deepEqual(told, ['the first is taken', 'room for a third']);
  transfer.finish();
  assert.equal((await transfer.ended).length, 2n << 20n);
  assert.deepEqual(told, ['the first is taken', 'room for a third', 'the second is taken']);
});

test('memory that the kernel has not taken is not given back', async () => {
  peer.answer = (_frame, _attributes, socket) => {
    socket.write(new FrameWriter().frame(FrameType.ok));
    socket.pause();
  };
  const transfer = monitor.transfer({ ...order, operation: 'tarIn' }, new Sink());
  await transfer.opened;
  let taken = 0;
  await transfer.write(Buffer.alloc(1 << 20), () => void taken++);
  const second = transfer.write(Buffer.alloc(1), () => void taken++);
  transfer.giveUp();
  await second;
  await transfer.write(Buffer.alloc(0));
  assert.equal(taken, 0);
});

test('an error says what was done to what, and has the code of its cause', async () => {
  const fail = (step: string, errno: number): void => {
    peer.answer = (_frame, _attributes, socket) => void socket.write(new FrameWriter().text(Tag.step, step).u32(Tag.errno, errno).text(Tag.detail, 'dir/f').frame(FrameType.error));
  };
  const { ENOENT, EACCES, EEXIST, EBADMSG, ENOTEMPTY, EDQUOT } = constants.errno;
  for (const [step, errno, code] of [['read file', ENOENT, 'not_found'], ['write file', EACCES, 'permission'], ['make directory', EEXIST, 'exists'], ['extract archive', EBADMSG, 'invalid_argument'], ['remove file', ENOTEMPTY, 'wrong_state'], ['extract archive', EDQUOT, 'exhausted']] as const) {
    fail(step, errno);
    const transfer = monitor.transfer(order, new Sink());
    await assert.rejects(transfer.ended, { code, message: new RegExp(`^${step} \\(dir/f\\): `) });
    await assert.rejects(transfer.opened, { code });
  }
});

test('a connection that ends too early is told as that, before the first answer and behind it', async () => {
  peer.answer = (_frame, _attributes, socket) => void socket.destroy();
  await assert.rejects(monitor.transfer(order, new Sink()).ended, { code: 'unavailable', message: 'the container\'s monitor closed the connection' });
  peer.answer = (_frame, _attributes, socket) => void socket.end(Buffer.concat([new FrameWriter().frame(FrameType.ok), content('half')]));
  const sink = new Sink();
  const transfer = monitor.transfer(order, sink);
  await transfer.opened;
  await assert.rejects(transfer.ended, { code: 'unavailable', message: /^the transfer broke off/ });
  assert.equal(sink.text, 'half');
});

test('an answer that is none is refused', async () => {
  for (const answer of [new FrameWriter().frame(FrameType.exit), new FrameWriter().nested(Tag.entry, () => undefined).frame(FrameType.ok), frameHeader(FrameType.content, 0x7fff_ffff)]) {
    peer.answer = (_frame, _attributes, socket) => void socket.write(answer);
    await assert.rejects(monitor.transfer(order, new Sink()).ended, { name: 'WardenError' });
  }
});

test('one that is given up closes its connection, and brings nothing more', async () => {
  const closed = new Promise<void>((resolve) => {
    peer.answer = (_frame, _attributes, socket) => {
      socket.on('close', () => resolve());
      socket.write(new FrameWriter().frame(FrameType.ok));
    };
  });
  const sink = new Sink();
  const transfer = monitor.transfer({ ...order, operation: 'tarIn' }, sink);
  await transfer.opened;
  transfer.giveUp();
  await closed;
  await assert.rejects(transfer.ended, { code: 'canceled' });
  assert.equal(sink.text, '');
});
