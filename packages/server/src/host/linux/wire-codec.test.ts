import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WardenError } from 'warden-protocol';
import { StepError } from './step-error.js';
import { FrameType, maximumBody, Tag } from './wire.js';
import { Attributes, FrameReader, FrameWriter, type Frame } from './wire-codec.js';

function sample(): Buffer {
  return new FrameWriter()
    .u32(Tag.request, 7)
    .text(Tag.handle, 'größe')
    .nested(Tag.link, (writer) => writer.u32(Tag.mtu, 1500).nested(Tag.setting, (inner) => inner.text(Tag.name, 'x')))
    .u64(Tag.outputLimit, 2n ** 64n - 1n)
    .bytes(Tag.content, Buffer.alloc(5000, 1))
    .frame(FrameType.create);
}

function frames(chunks: Buffer[], maximum?: number): Frame[] {
  const reader = new FrameReader(maximum);
  const found: Frame[] = [];
  for (const chunk of chunks) reader.push(chunk, (frame) => found.push(frame));
  assert.equal(reader.partial, false);
  return found;
}

test('the bytes are those of wire.h: little endian, header of 8, attributes with a header of 8', () => {
  const frame = new FrameWriter().u32(Tag.request, 0x01020304).text(Tag.id, 'ab').frame(FrameType.create);
  assert.equal(frame.toString('hex'), `${'16000000'}${'0200'}${'0000'}` + `${'0100'}${'0000'}${'04000000'}${'04030201'}` + `${'1400'}${'0000'}${'02000000'}6162`);
});

test('attributes that are kept are the same in any frame', () => {
  const content = Buffer.alloc(3000, 7);
  const kept = new FrameWriter().u32(Tag.uid, 5).bytes(Tag.content, content).attributes();
  const frame = new FrameWriter().u32(Tag.request, 1).raw(kept).text(Tag.id, 'x').frame(FrameType.create);
  assert.deepEqual(frame, new FrameWriter().u32(Tag.request, 1).u32(Tag.uid, 5).bytes(Tag.content, content).text(Tag.id, 'x').frame(FrameType.create));
});

test('texts of any letters and length are what the library makes of them, and none has a NUL', () => {
  for (const value of ['', 'a', 'größe', 'x'.repeat(127) + 'é', 'x'.repeat(128), 'x'.repeat(129), 'y'.repeat(5000), '\u{1f600}', '\x7f\x80']) {
    const frame = new FrameWriter().text(Tag.id, value).u32(Tag.request, 9).frame(FrameType.create);
    assert.deepEqual(frame, new FrameWriter().bytes(Tag.id, Buffer.from(value)).u32(Tag.request, 9).frame(FrameType.create));
  }
  for (const value of ['\0', 'a\0', `${'x'.repeat(200)}\0`, 'é\0']) assert.throws(() => new FrameWriter().text(Tag.id, value), { code: 'invalid_argument' });
});

test('a number that is no u32 is an error, not another number', () => {
  for (const value of [-1, 2 ** 32, 1.5, NaN]) assert.throws(() => new FrameWriter().u32(Tag.uid, value), { code: 'internal' });
});

test('of values that begin with a name, the one with that name', () => {
  const writer = new FrameWriter();
  for (const value of ['ab\x001', 'a\x002', 'abc', 'abc\x00', 'a\x003']) writer.bytes(Tag.usage, Buffer.from(value));
  const attributes = new Attributes(frames([writer.frame(FrameType.exit)])[0]!.body);
  assert.deepEqual(['a', 'ab', 'abc', 'abcd', ''].map((name) => attributes.behindName(Tag.usage, name)?.toString()), ['2', '1', '', undefined, undefined]);
  assert.deepEqual([attributes.has(Tag.usage), attributes.has(Tag.uid), attributes.behindName(Tag.uid, 'a')], [true, false, undefined]);
});

test('what was written is read, at every split point', () => {
  const bytes = sample();
  const two = Buffer.concat([bytes, new FrameWriter().frame(FrameType.list)]);
  for (let at = 0; at <= two.length; at += at < 200 || at > two.length - 50 ? 1 : 97) {
    const [first, second, ...rest] = frames([two.subarray(0, at), two.subarray(at)]);
    assert.deepEqual(rest, []);
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(second.type, FrameType.list);
    assert.equal(second.body.length, 0);
    const attributes = new Attributes(first.body);
    assert.equal(attributes.u32(Tag.request), 7);
    assert.equal(attributes.text(Tag.handle), 'größe');
    assert.equal(attributes.u64(Tag.outputLimit), 2n ** 64n - 1n);
    assert.equal(attributes.bytes(Tag.content)?.length, 5000);
    const [link] = attributes.nested(Tag.link);
    assert.equal(link?.u32(Tag.mtu), 1500);
    assert.equal(link?.nested(Tag.setting)[0]?.text(Tag.name), 'x');
  }
});

test('bodies are copies, so that a read buffer can be used again', () => {
  const bytes = new FrameWriter().text(Tag.id, 'kept').frame(FrameType.ok);
  const [frame] = frames([bytes]);
  bytes.fill(0);
  assert.equal(new Attributes(frame!.body).text(Tag.id), 'kept');
});

test('what cannot be a frame is refused', () => {
  const reader = new FrameReader(100);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(101, 0);
  assert.throws(() => reader.push(header, () => undefined), { code: 'protocol' });
  header.writeUInt32LE(4, 0);
  header.writeUInt16LE(1, 6);
  assert.throws(() => new FrameReader().push(header, () => undefined), { code: 'protocol' });
});

test('attributes that reach past their frame, and numbers of another size, are refused', () => {
  const body = sample().subarray(8);
  for (let length = 1; length < 60; length++) {
    const cut = body.subarray(0, length);
    try {
      new Attributes(cut);
    } catch (error) {
      assert.ok(error instanceof WardenError && error.code === 'protocol');
    }
  }
  assert.throws(() => new Attributes(Buffer.alloc(7)), { code: 'protocol' });
  const text = new Attributes(new FrameWriter().text(Tag.request, 'abc').frame(1).subarray(8));
  assert.throws(() => text.u32(Tag.request), { code: 'protocol' });
  assert.throws(() => text.u64(Tag.request), { code: 'protocol' });
  assert.throws(() => text.requiredU32(Tag.pid), { code: 'protocol' });
});

test('a NUL in a text, and a frame above the limit, cannot be written', () => {
  assert.throws(() => new FrameWriter().text(Tag.id, 'a\0b'), { code: 'invalid_argument' });
  assert.throws(() => new FrameWriter().bytes(Tag.script, Buffer.alloc(maximumBody)).frame(FrameType.spawn), { code: 'invalid_argument' });
});

test('a failed step names step, object and cause', () => {
  const reply = (errno: number): StepError => new StepError(new Attributes(new FrameWriter().text(Tag.step, 'mount overlay').u32(Tag.errno, errno).text(Tag.detail, '/x').frame(1).subarray(8)));
  assert.match(reply(28).message, /^mount overlay \(\/x\): no space left on the device \(ENOSPC\)$/);
  assert.equal(reply(28).code, 'exhausted');
  assert.equal(reply(110).code, 'timeout');
  assert.match(reply(2).message, /no such file or directory \(ENOENT\)/);
  assert.equal(reply(2).code, 'internal');
});
