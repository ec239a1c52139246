import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FrameDecoder } from './framing.js';
import { decodeResponse, encodeResponse, Type } from './messages.js';
import { encodePiece, encodePieces } from './pieces.js';

function decoded(parts: readonly Uint8Array[]): unknown {
  const decoder = new FrameDecoder();
  decoder.push(Buffer.concat(parts));
  const payload = decoder.next();
  assert.ok(payload !== undefined && decoder.idle);
  return decodeResponse(payload);
}

describe('a response in pieces', () => {
  it('is what all of it at once would be', () => {
    const [red, blue] = [{ handle: 'red', state: 'active', labels: [{ key: 'a', value: 'ü' }] }, { handle: 'blue', state: 'stopped', jobs: 3 }];
    const pieces = [encodePiece(Type.List, { handles: ['red'], containers: [red] }), encodePiece(Type.List, { handles: ['blue'], containers: [blue], next: 'x' })];
    assert.deepEqual(decoded(encodePieces(Type.List, pieces)), decoded([encodeResponse(Type.List, { handles: ['red', 'blue'], containers: [red, blue], next: 'x' })]));
  });

  it('may have no piece, or one', () => {
    assert.deepEqual(decoded(encodePieces(Type.List, [])), decoded([encodeResponse(Type.List, { handles: [] })]));
    assert.deepEqual(Buffer.concat(encodePieces(Type.List, [encodePiece(Type.List, { handles: ['one'] })])), encodeResponse(Type.List, { handles: ['one'] }));
  });

  it('has to fit a frame', () => {
    assert.throws(() => encodePieces(Type.List, [new Uint8Array(60_000_000), new Uint8Array(40_000_000)]), /does not fit a frame/);
  });
});
