// From the wire to plain objects, by the descriptors of the generated code.
//
// protobuf-es's own fromBinary trusts its input more than a daemon may: it ignores wire types, lets a nested message
// read past its end, and leaves required fields unchecked. So the readers are compiled here, over its BinaryReader:
// a field of the wrong wire type is skipped like an unknown one (as protobuf prescribes), everything must end where it
// says it ends, and what is missing is named. Strings of requests must be UTF-8; those of responses are for reading.
import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { isRequired, shortName } from './descriptor.js';
import { WardenError } from './error.js';

/** Groups within groups that are skipped, and messages within messages. The deepest message of the protocol has 3. */
const RECURSION_LIMIT = 32;

/** The bytes are not a message of this protocol: the connection cannot be trusted any further and must be closed. */
export class MessageError extends WardenError {
  override readonly name = 'MessageError';

  constructor(message: string, cause?: unknown) {
    super('protocol', message, cause === undefined ? {} : { cause });
  }
}

export type PlainObject = Record<string, unknown>;

export interface DecodeOptions {
  /** Text that is not UTF-8 is an error. */
  readonly strictText: boolean;
  /** A message within the one to decode that is decoded when somebody looks at it, and checked only then. */
  readonly late?: DescMessage | undefined;
  /** Bytes of fewer are copied out of the memory that they came in; Infinity where that is used again. 0, views of it, unless given. */
  readonly copyBelow?: number | undefined;
}

interface Context extends DecodeOptions {
  readonly reader: BinaryReader;
  readonly copyBelow: number;
}

interface FieldReader {
  wireType: WireType;
  read: (context: Context, target: PlainObject, depth: number) => void;
  /** For lists of numbers: the same values in one length-delimited field. */
  readPacked?: (context: Context, target: PlainObject) => void;
}

interface MessageReader {
  name: string;
  fields: Map<number, FieldReader>;
  required: readonly DescField[];
  lists: readonly string[];
}

const compiled = new WeakMap<DescMessage, MessageReader>();

function readerOf(desc: DescMessage): MessageReader {
  let found = compiled.get(desc);
  if (found === undefined) {
    found = { name: shortName(desc), fields: new Map(), required: desc.fields.filter(isRequired),
      lists: desc.fields.filter((field) => field.fieldKind === 'list').map((field) => field.localName) };
    compiled.set(desc, found);
    for (const field of desc.fields) found.fields.set(field.number, compileField(field));
  }
  return found;
}

/** Decodes one message. Throws a MessageError for bytes that are none, invalid_argument for one with something missing or wrong in it. */
export function decodeMessage(desc: DescMessage, bytes: Uint8Array, options: DecodeOptions): PlainObject {
  const message = readerOf(desc);
  try {
    const context = { reader: new BinaryReader(bytes), strictText: options.strictText, late: options.late, copyBelow: options.copyBelow ?? 0 };
    return readMessage(message, context, bytes.length, {}, 1);
  } catch (reason) {
    if (reason instanceof WardenError) throw reason;
    throw new MessageError(`cannot decode ${message.name}: ${reason instanceof Error ? reason.message : String(reason)}`, reason);
  }
}

function readMessage(message: MessageReader, context: Context, end: number, target: PlainObject, depth: number): PlainObject {
  const { reader } = context;
  for (const list of message.lists) target[list] ??= [];
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    const field = message.fields.get(number);
    if (field?.wireType === wireType) field.read(context, target, depth);
    else if (field?.readPacked !== undefined && wireType === WireType.LengthDelimited) field.readPacked(context, target);
    else reader.skip(wireType, number, RECURSION_LIMIT);
  }
  if (reader.pos !== end) throw new MessageError(`cannot decode ${message.name}: a field reaches past its end`);
  for (const field of message.required) {
    if (!Object.hasOwn(target, field.localName)) throw missingField(message.name, field);
  }
  return target;
}

export function missingField(messageName: string, field: DescField): WardenError {
  return new WardenError('invalid_argument', `${messageName}: the required field ${field.name} is missing`);
}

function compileField(field: DescField): FieldReader {
  const name = field.localName;
  if (field.message !== undefined) return compileMessageField(field.fieldKind === 'list', name, field.message);
  const { wireType, read } = valueReader(field);
  if (field.fieldKind !== 'list') {
    return { wireType, read: (context, target) => { target[name] = read(context); } };
  }
  const result: FieldReader = { wireType, read: (context, target) => { (target[name] as unknown[]).push(read(context)); } };
  if (wireType !== WireType.LengthDelimited) {
    result.readPacked = (context, target) => {
      const end = endOf(context.reader);
      while (context.reader.pos < end) (target[name] as unknown[]).push(read(context));
      if (context.reader.pos !== end) throw new Error(`${field.name} reaches past its end`);
    };
  }
  return result;
}

function compileMessageField(list: boolean, name: string, desc: DescMessage): FieldReader {
  const message = readerOf(desc);
  return {
    wireType: WireType.LengthDelimited,
    read: (context, target, depth) => {
      if (depth === RECURSION_LIMIT) throw new Error(`messages nested more than ${RECURSION_LIMIT} deep`);
      if (context.late === desc && !list && !Object.hasOwn(target, name)) {
        decodeLate(context, target, name, desc);
        return;
      }
      const end = endOf(context.reader);
      // A singular message that comes twice is merged, says protobuf.
      const into = list ? {} : ((target[name] ??= {}) as PlainObject);
      readMessage(message, context, end, into, depth + 1);
      if (list) (target[name] as unknown[]).push(into);
    },
  };
}

/** Puts a property in the message's place that decodes it when it is read first. */
function decodeLate({ reader, strictText }: Context, target: PlainObject, name: string, desc: DescMessage): void {
  // A copy: what was read into is larger, and would live as long as the message.
  const bytes = ownBytes(reader.bytes(), Infinity);
  const property = { configurable: true, enumerable: true };
  Object.defineProperty(target, name, {
    ...property,
    get() {
      const value = decodeMessage(desc, bytes, { strictText });
      Object.defineProperty(target, name, { ...property, value, writable: true });
      return value;
    },
    set(value) {
      Object.defineProperty(target, name, { ...property, value, writable: true });
    },
  });
}

/** From here on it costs more to clear memory before it is copied into than to take it as it is. */
const CLEARED_BELOW = 16 * 1024;

function ownBytes(bytes: Uint8Array, copyBelow: number): Uint8Array {
  if (bytes.length >= copyBelow) return bytes;
  if (bytes.length < CLEARED_BELOW) return Uint8Array.prototype.slice.call(bytes);
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

function endOf(reader: BinaryReader): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new Error('premature end');
  return end;
}

function valueReader(field: DescField): { wireType: WireType; read: (context: Context) => unknown } {
  if (field.enum !== undefined) {
    const { values } = field.enum;
    return { wireType: WireType.Varint, read: ({ reader }) => {
      const number = reader.int32();
      if (values.some((value) => value.number === number)) return number;
      throw new WardenError('invalid_argument', `${shortName(field.parent)}: the field ${field.name} has the unknown value ${number}`);
    } };
  }
  switch (field.scalar) {
    case ScalarType.STRING: return { wireType: WireType.LengthDelimited, read: (context) => readText(context, field) };
    case ScalarType.BYTES: return { wireType: WireType.LengthDelimited, read: ({ reader, copyBelow }) => ownBytes(reader.bytes(), copyBelow) };
    case ScalarType.BOOL: return { wireType: WireType.Varint, read: ({ reader }) => reader.bool() };
    case ScalarType.UINT32: return { wireType: WireType.Varint, read: ({ reader }) => reader.uint32() };
    case ScalarType.INT32: return { wireType: WireType.Varint, read: ({ reader }) => reader.int32() };
    case ScalarType.UINT64: return { wireType: WireType.Varint, read: ({ reader }) => BigInt(reader.uint64()) };
    default: throw new Error(`${field.toString()}: this type of field is not used by the protocol`);
  }
}

function readText({ reader, strictText }: Context, field: DescField): string {
  const start = reader.pos;
  const text = reader.string();
  // Invalid bytes have become U+FFFD; only then is it worth asking whether they were that character already.
  if (strictText && text.includes('\ufffd') && !isUtf8Field(reader, start)) {
    throw new WardenError('invalid_argument', `${shortName(field.parent)}: the field ${field.name} is not valid UTF-8`);
  }
  return text;
}

const strictDecoder = new TextDecoder('utf-8', { fatal: true });

/** Whether the length-delimited field that starts at the position given and was just read is valid UTF-8. */
function isUtf8Field(reader: BinaryReader, start: number): boolean {
  reader.pos = start;
  const bytes = reader.bytes();
  try {
    strictDecoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
