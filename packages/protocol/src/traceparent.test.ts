import assert from 'node:assert/strict';
import { it } from 'node:test';
import { decodeRequest, encodeRequest, Type } from './messages.js';
import { encodeFrame, FrameDecoder } from './framing.js';
import { withTraceparent } from './trace-field.js';
import { parseTraceparent } from './traceparent.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const TEXT = `00-${TRACE}-${PARENT}-01`;

function payloadOf(frame: Uint8Array): Uint8Array {
  const decoder = new FrameDecoder();
  decoder.push(frame);
  const payload = decoder.next();
  assert.ok(payload);
  decoder.end();
  return payload;
}

it('a traceparent has a trace, a parent and flags', () => {
  assert.deepEqual(parseTraceparent(TEXT), { traceId: TRACE, parentId: PARENT, sampled: true });
  assert.deepEqual(parseTraceparent(`00-${TRACE}-${PARENT}-00`)?.sampled, false);
  assert.deepEqual(parseTraceparent(`00-${TRACE}-${PARENT}-ff`)?.sampled, true);
  assert.deepEqual(parseTraceparent(`01-${TRACE}-${PARENT}-00-more`), { traceId: TRACE, parentId: PARENT, sampled: false });
});

it('what is none is none', () => {
  for (const text of ['', 'x', TEXT.toUpperCase(), `${TEXT}-more`, `ff-${TRACE}-${PARENT}-01`, `00-${'0'.repeat(32)}-${PARENT}-01`, `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${PARENT}`, ` ${TEXT}`, `${TEXT} `, `${TEXT}\n`, `00-${TRACE}-${PARENT}-0g`, `01-${TRACE}-${PARENT}-01-${'x'.repeat(256)}`]) {
    assert.equal(parseTraceparent(text), undefined, text);
  }
});

it('a frame of any request takes a traceparent, which is decoded beside the request', () => {
  const ping = encodeRequest(Type.Ping, {});
  assert.deepEqual(decodeRequest(payloadOf(withTraceparent(ping, TEXT))), { type: Type.Ping, request: {}, traceparent: TEXT });
  assert.deepEqual(decodeRequest(payloadOf(ping)), { type: Type.Ping, request: {} });
  const large = 'x'.repeat(100_000);
  assert.deepEqual(decodeRequest(payloadOf(withTraceparent(encodeRequest(Type.Echo, { message: large }), TEXT))), { type: Type.Echo, request: { message: large }, traceparent: TEXT });
  assert.deepEqual(decodeRequest(payloadOf(withTraceparent(encodeRequest(Type.Jobs, { handle: 'a' }), TEXT))), { type: Type.Jobs, request: { handle: 'a' }, traceparent: TEXT });
});

it('one that is too long, empty or no text is passed over, and so is another wire type', () => {
  const plain = payloadOf(encodeRequest(Type.Ping, {}));
  for (const field of [Buffer.from([0xc2, 0x3e, 0xff, 0x01, ...Buffer.alloc(255, 'x')]), Buffer.from([0xc2, 0x3e, 0x00]), Buffer.from([0xc2, 0x3e, 0x02, 0xff, 0xfe]), Buffer.from([0xc0, 0x3e, 0x05])]) {
    const { type, request } = decodeRequest(payloadOf(encodeFrame(Buffer.concat([plain, field]))));
    assert.deepEqual({ type, request }, { type: Type.Ping, request: {} });
  }
  const long = Buffer.concat([plain, Buffer.from([0xc2, 0x3e, 0x81, 0x02]), Buffer.alloc(257, 'x')]);
  assert.deepEqual(decodeRequest(long), { type: Type.Ping, request: {} });
});

it('what is no traceparent is refused before it is sent', () => {
  assert.throws(() => withTraceparent(encodeRequest(Type.Ping, {}), 'x'), /invalid traceparent "x"/);
});
