// From plain objects to the wire, by protobuf-es, with what is missing named, and frames built in one allocation.
import { create, type DescField, type DescMessage, toBinary } from '@bufbuild/protobuf';
import { missingField, type PlainObject } from './decode.js';
import { isRequired, shortName } from './descriptor.js';
import { WardenError } from './error.js';
import { FrameError, frameOverhead, MAX_FRAME_LENGTH, writeFrameHeader, writeFrameTrailer } from './framing.js';

const EMPTY = new Uint8Array(0);
const TYPE_TAG = 0x08;
const PAYLOAD_TAG = 0x12;

interface Check {
  name: string;
  required: readonly DescField[];
  nested: readonly { localName: string; list: boolean; desc: DescMessage }[];
}

const checks = new WeakMap<DescMessage, Check>();

function checkOf(desc: DescMessage): Check {
  let found = checks.get(desc);
  if (found === undefined) {
    found = { name: shortName(desc), required: desc.fields.filter(isRequired), nested: desc.fields.flatMap((field) =>
      field.message === undefined ? [] : [{ localName: field.localName, list: field.fieldKind === 'list', desc: field.message }]) };
    checks.set(desc, found);
  }
  return found;
}

function checkRequired(desc: DescMessage, message: PlainObject): void {
  const check = checkOf(desc);
  for (const field of check.required) {
    const value = message[field.localName];
    if (value === undefined || value === null) throw missingField(check.name, field);
  }
  for (const { localName, list, desc: child } of check.nested) {
    const value = message[localName];
    if (value === undefined || value === null) continue;
    if (list) for (const element of value as PlainObject[]) checkRequired(child, element);
    else checkRequired(child, value as PlainObject);
  }
}

/** Encodes one message. Throws invalid_argument when a required field is missing or a value is out of its type's range. */
export function encodeMessage(desc: DescMessage, message: PlainObject): Uint8Array {
  if (desc.fields.length === 0) return EMPTY;
  checkRequired(desc, message);
  try {
    return toBinary(desc, create(desc, message as never));
  } catch (reason) {
    throw new WardenError('invalid_argument', reason instanceof Error ? reason.message : String(reason), { cause: reason });
  }
}

/** The number of bytes of an unsigned integer below 2^32 on the wire. */
export function varintLength(value: number): number {
  let length = 1;
  for (let limit = 0x80; value >= limit; limit *= 0x80) length++;
  return length;
}

/** Writes an unsigned integer below 2^32 at the offset and returns the offset behind it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let rest = value;
  while (rest >= 0x80) {
    target[offset++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[offset] = rest;
  return offset + 1;
}

export interface Prefix {
  /** The frame up to where the payload's first bytes belong; exactly large enough, or for the whole frame if asked. */
  frame: Buffer;
  /** The offset behind what has been written. */
  offset: number;
}

/** Frame header and envelope for a payload; the buffer has room for `room` bytes more. */
export function writeEnvelope(type: number, payloadLength: number, room: number): Prefix {
  const envelope = 1 + varintLength(type) + 1 + varintLength(payloadLength);
  const length = envelope + payloadLength;
  if (length > MAX_FRAME_LENGTH) {
    throw new FrameError('too_long', `a message of ${length} bytes does not fit a frame: the maximum is ${MAX_FRAME_LENGTH}`);
  }
  const frame = Buffer.allocUnsafe(frameOverhead(length) - 2 + envelope + room);
  let offset = writeFrameHeader(frame, 0, length);
  frame[offset++] = TYPE_TAG;
  offset = writeVarint(frame, offset, type);
  frame[offset++] = PAYLOAD_TAG;
  offset = writeVarint(frame, offset, payloadLength);
  return { frame, offset };
}

/** The whole frame of a message in one allocation; copies the payload once. */
export function encodeEnvelope(type: number, payload: Uint8Array): Buffer {
  const { frame, offset } = writeEnvelope(type, payload.length, payload.length + 2);
  frame.set(payload, offset);
  writeFrameTrailer(frame, offset + payload.length);
  return frame;
}
