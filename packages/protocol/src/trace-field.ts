// The field of the envelope that carries a traceparent, beside the request.
import { encodeFrame } from './framing.js';
import { WardenError } from './error.js';
import { LONGEST_TRACEPARENT, parseTraceparent } from './traceparent.js';

/** Message.traceparent. */
export const TRACEPARENT_NUMBER = 1000;

/** Its tag: length-delimited. */
const TRACEPARENT_TAG = Buffer.from([0xc2, 0x3e]);

/**
 * The frame of a request with a traceparent in its envelope; copies it.
 * @param frame a whole one, without a traceparent
 * @throws WardenError invalid_argument when it is none
 */
export function withTraceparent(frame: Uint8Array, traceparent: string): Buffer {
  if (parseTraceparent(traceparent) === undefined) {
    throw new WardenError('invalid_argument', `invalid traceparent ${JSON.stringify(traceparent.slice(0, LONGEST_TRACEPARENT))}: it has to be VERSION-TRACE-PARENT-FLAGS in hexadecimal digits, as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`);
  }
  const bytes = Buffer.from(traceparent);
  // Protobuf knows no order of fields: behind the payload it need not be moved within.
  const length = bytes.length < 0x80 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7];
  const begin = frame.indexOf(0x0a) + 1;
  return encodeFrame(Buffer.concat([frame.subarray(begin, frame.length - 2), TRACEPARENT_TAG, Buffer.from(length), bytes]));
}

/** What a traceparent field holds; undefined when it is too long to be one. */
export function traceparentOf(bytes: Uint8Array): string | undefined {
  return bytes.length > 0 && bytes.length <= LONGEST_TRACEPARENT ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1') : undefined;
}
