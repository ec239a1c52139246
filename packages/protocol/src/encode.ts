// From plain objects to the wire, by the descriptors of the generated code, with what is missing or does not fit named, and
// frames built in one allocation.
//
// protobuf-es's own toBinary goes by reflection and makes a message object first; a request and its reply are encoded on every
// call's path, so the writers are compiled here, over its BinaryWriter.
import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { missingField, type PlainObject } from './decode.js';
import { isRequired, shortName } from './descriptor.js';
import { WardenError } from './error.js';
import { FrameError, frameOverhead, MAX_FRAME_LENGTH, writeFrameHeader, writeFrameTrailer } from './framing.js';

const EMPTY = new Uint8Array(0);
/** Of the envelope's two fields. */
export const TYPE_TAG = 0x08;
export const PAYLOAD_TAG = 0x12;

/** The writer of the message before, whose memory has grown already. */
let idle: BinaryWriter | undefined;

/** Bytes of a message whose writer is kept. */
const KEPT_WRITER = 64 * 1024;

const LARGEST_UINT32 = 0xffff_ffffn;

/** In place of a message within another one: what it is on the wire, for senders that need no objects in between. */
export class EncodedMessage {
  constructor(readonly bytes: Uint8Array) {}
}

type WriteValue = (writer: BinaryWriter, value: unknown) => void;

interface FieldWriter {
  readonly field: DescField;
  readonly localName: string;
  readonly required: boolean;
  /** Of a uint64 that is no list; 0 for every other. */
  readonly uint64Tag: number;
  /** The value with its tag; a list whole. */
  readonly write: WriteValue;
}

interface MessageWriter {
  readonly name: string;
  /** In the order of their numbers. */
  readonly fields: readonly FieldWriter[];
}

const compiled = new WeakMap<DescMessage, MessageWriter>();

function writerOf(desc: DescMessage): MessageWriter {
  let found = compiled.get(desc);
  if (found === undefined) {
    const fields = [...desc.fields].sort((one, other) => one.number - other.number);
    found = { name: shortName(desc), fields: fields.map((field) => ({ field, localName: field.localName, required: isRequired(field), uint64Tag: uint64TagOf(field), write: compileField(field) })) };
    compiled.set(desc, found);
  }
  return found;
}

function writeMessage({ name, fields }: MessageWriter, writer: BinaryWriter, message: PlainObject): void {
  for (const { field, localName, required, uint64Tag, write } of fields) {
    const value = message[localName];
    if (uint64Tag !== 0 && typeof value === 'bigint' && value >= 0n && value <= LARGEST_UINT32) {
      // Statistics are dozens of these, and a bigint is taken apart by way of a DataView.
      writer.uint32(uint64Tag);
      writer.uint32(Number(value));
    } else if (value !== undefined && value !== null) write(writer, value);
    else if (required) throw missingField(name, field);
  }
}

/** Encodes one message. Throws invalid_argument when a required field is missing or a value is not of its type or out of its range. */
export function encodeMessage(desc: DescMessage, message: PlainObject): Uint8Array {
  if (desc.fields.length === 0) return EMPTY;
  const writer = idle ?? new BinaryWriter();
  // One that an error leaves in the middle of a message is of no use any more.
  idle = undefined;
  writeMessage(writerOf(desc), writer, message);
  const encoded = writer.finish();
  if (encoded.length <= KEPT_WRITER) idle = writer;
  return encoded;
}

function uint64TagOf(field: DescField): number {
  return field.fieldKind === 'scalar' && field.scalar === ScalarType.UINT64 ? tagOf(field, WireType.Varint) : 0;
}

function tagOf(field: DescField, wireType: WireType): number {
  return ((field.number << 3) | wireType) >>> 0;
}

function compileField(field: DescField): WriteValue {
  const { wireType, write } = field.message === undefined ? valueWriter(field) : messageWriter(field.message);
  const tag = tagOf(field, wireType);
  const named = namingErrors(field, write);
  if (field.fieldKind !== 'list') {
    return (writer, value) => {
      writer.uint32(tag);
      named(writer, value);
    };
  }
  return (writer, values) => {
    if (!Array.isArray(values)) throw unfit(field, 'has to be a list');
    for (const value of values as unknown[]) {
      writer.uint32(tag);
      named(writer, value);
    }
  };
}

/** What the library says of a value does not name the field. */
function namingErrors(field: DescField, write: WriteValue): WriteValue {
  return (writer, value) => {
    try {
      write(writer, value);
    } catch (reason) {
      if (reason instanceof WardenError) throw reason;
      throw unfit(field, reason instanceof Error ? reason.message : String(reason), reason);
    }
  };
}

function unfit(field: DescField, what: string, cause?: unknown): WardenError {
  return new WardenError('invalid_argument', `${shortName(field.parent)}.${field.name}: ${what}`, cause === undefined ? {} : { cause });
}

function messageWriter(desc: DescMessage): { wireType: WireType; write: WriteValue } {
  let message: MessageWriter | undefined;
  return { wireType: WireType.LengthDelimited, write: (writer, value) => {
    if (typeof value !== 'object') throw new Error(`has to be an object, not a ${typeof value}`);
    if (value instanceof EncodedMessage) {
      writer.bytes(value.bytes);
      return;
    }
    // Not before: messages may be nested in themselves.
    message ??= writerOf(desc);
    writer.fork();
    writeMessage(message, writer, value as PlainObject);
    writer.join();
  } };
}

function valueWriter(field: DescField): { wireType: WireType; write: WriteValue } {
  if (field.enum !== undefined) return { wireType: WireType.Varint, write: (writer, value) => void writer.int32(value as number) };
  switch (field.scalar) {
    case ScalarType.STRING: return { wireType: WireType.LengthDelimited, write: (writer, value) => {
      if (typeof value !== 'string') throw new Error(`has to be a string, not a ${typeof value}`);
      writer.string(value);
    } };
    case ScalarType.BYTES: return { wireType: WireType.LengthDelimited, write: (writer, value) => {
      if (!(value instanceof Uint8Array)) throw new Error(`has to be a Uint8Array, not a ${typeof value}`);
      writer.bytes(value);
    } };
    case ScalarType.BOOL: return { wireType: WireType.Varint, write: (writer, value) => {
      if (typeof value !== 'boolean') throw new Error(`has to be a boolean, not a ${typeof value}`);
      writer.bool(value);
    } };
    case ScalarType.UINT32: return { wireType: WireType.Varint, write: (writer, value) => void writer.uint32(value as number) };
    case ScalarType.INT32: return { wireType: WireType.Varint, write: (writer, value) => void writer.int32(value as number) };
    case ScalarType.UINT64: return { wireType: WireType.Varint, write: (writer, value) => void writer.uint64(value as bigint) };
    default: throw new Error(`${field.toString()}: this type of field is not used by the protocol`);
  }
}

/** The number of bytes of an unsigned integer below 2^32 on the wire. */
export function varintLength(value: number): number {
  let length = 1;
  for (let limit = 0x80; value >= limit; limit *= 0x80) length++;
  return length;
}

/** Writes an unsigned integer below 2^53 at the offset and returns the offset behind it. */
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

/** Frame header and envelope for a payload; the buffer has room for `room` bytes more. It is the beginning of `memory`, when that has so many bytes. */
export function writeEnvelope(type: number, payloadLength: number, room: number, memory?: Buffer): Prefix {
  const envelope = 1 + varintLength(type) + 1 + varintLength(payloadLength);
  const length = envelope + payloadLength;
  if (length > MAX_FRAME_LENGTH) {
    throw new FrameError('too_long', `a message of ${length} bytes does not fit a frame: the maximum is ${MAX_FRAME_LENGTH}`);
  }
  const size = frameOverhead(length) - 2 + envelope + room;
  const frame = memory !== undefined && memory.length >= size ? memory.subarray(0, size) : Buffer.allocUnsafe(size);
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

/**
 * The same for a message whose field `data` holds most of it: that is copied once, behind the other fields, instead of by a writer that grows with it.
 * Throws as encodeMessage().
 * @param memory to use when it is large enough
 */
export function encodeWithData(type: number, desc: DescMessage, { data, ...others }: PlainObject & { readonly data: Uint8Array }, memory?: Buffer): Buffer {
  const rest = encodeMessage(desc, others);
  const tag = tagOf(desc.field['data'] as DescField, WireType.LengthDelimited);
  const length = rest.length + varintLength(tag) + varintLength(data.length) + data.length;
  const { frame, offset } = writeEnvelope(type, length, length + 2, memory);
  frame.set(rest, offset);
  const start = writeVarint(frame, writeVarint(frame, offset + rest.length, tag), data.length);
  frame.set(data, start);
  writeFrameTrailer(frame, start + data.length);
  return frame;
}
