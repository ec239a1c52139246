// A long response, encoded piece by piece, with time for others between the pieces. The encodings of two messages, one behind the
// other, are the encoding of the merged message, whose repeated fields are joined: https://protobuf.dev/programming-guides/encoding/#last-one-wins
import { encodeMessage, type Prefix, writeEnvelope } from './encode.js';
import type { PlainObject } from './decode.js';
import { messageTypes, type RequestType, type ResponseInit } from './messages.js';

const trailer = Buffer.from('\r\n');

/** A piece of a response, without a frame. Throws invalid_argument. */
export function encodePiece<T extends RequestType>(type: T, piece: ResponseInit<T>): Uint8Array {
  return encodeMessage(messageTypes[type].response, piece as PlainObject);
}

/** The frame of the response whose pieces these are, as parts to be written one behind the other. Throws a FrameError when it does not fit a frame. */
export function encodePieces(type: RequestType, pieces: readonly Uint8Array[]): Uint8Array[] {
  const { frame }: Prefix = writeEnvelope(type, pieces.reduce((sum, piece) => sum + piece.length, 0), 0);
  return [frame, ...pieces, trailer];
}
