// From the wire to plain objects, by the descriptors of the generated code.
//
// protobuf-es's own fromBinary trusts its input more than a daemon may: it ignores wire types, lets a nested message
// read past its end, and leaves required fields unchecked. So the descriptors are made into tables here, which one loop
// goes by; a reader of its own for each field would be code that a request finds in no cache. A field of the wrong wire type is skipped like an unknown one (as protobuf prescribes), everything must end where it
// says it ends, and what is missing is named. Strings of requests must be UTF-8; those of responses are for reading.
import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { isRequired, shortName } from './descriptor.js';
import { WardenError } from './error.js';
import { type DefineLate, latePropertyOf } from './late-property.js';
import { WireReader } from './wire-reader.js';

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

interface Context {
  readonly reader: WireReader;
  readonly strictText: boolean;
  readonly late: DescMessage | undefined;
  readonly copyBelow: number;
}

const enum Kind { Message, Text, Bytes, Bool, Uint32, Int32, Uint64, Enum }

interface FieldReader {
  readonly desc: DescField;
  readonly name: string;
  readonly kind: Kind;
  readonly isList: boolean;
  /** Numbers in one length-delimited field. */
  readonly isPacked: boolean;
  /** Of a message. */
  readonly message: MessageReader | undefined;
  /** Of one that is decoded when it is read. */
  readonly defineLate: DefineLate | undefined;
}

/** What readerOf gives: how messages of one kind are read. */
export interface MessageReader {
  readonly desc: DescMessage;
  readonly name: string;
  /** By their tags, those below ARRAY_TAGS. */
  readonly fields: (FieldReader | undefined)[];
  readonly furtherFields: Map<number, FieldReader>;
  readonly required: readonly DescField[];
  readonly lists: readonly string[];
}

/** Of fields below the number 128. */
const ARRAY_TAGS = 1024;

const compiled = new WeakMap<DescMessage, MessageReader>();

export function readerOf(desc: DescMessage): MessageReader {
  let found = compiled.get(desc);
  if (found === undefined) {
    found = { desc, name: shortName(desc), fields: [], furtherFields: new Map(), required: desc.fields.filter(isRequired),
      lists: desc.fields.filter((field) => field.fieldKind === 'list').map((field) => field.localName) };
    compiled.set(desc, found);
    for (const field of desc.fields) {
      const [kind, wireType] = kindOf(field);
      const isList = field.fieldKind === 'list';
      const message = field.message === undefined ? undefined : readerOf(field.message);
      const reader: FieldReader = { desc: field, name: field.localName, kind, isList, isPacked: false, message,
        defineLate: message === undefined || isList ? undefined : latePropertyOf(field.localName) };
      addField(found, field.number * 8 + wireType, reader);
      if (isList && wireType === WireType.Varint) addField(found, field.number * 8 + WireType.LengthDelimited, { ...reader, isPacked: true });
    }
  }
  return found;
}

function addField({ fields, furtherFields }: MessageReader, tag: number, field: FieldReader): void {
  if (tag >= ARRAY_TAGS) {
    furtherFields.set(tag, field);
    return;
  }
  while (fields.length < tag) fields.push(undefined);
  fields[tag] = field;
}

function kindOf(field: DescField): [Kind, WireType] {
  if (field.message !== undefined) return [Kind.Message, WireType.LengthDelimited];
  if (field.enum !== undefined) return [Kind.Enum, WireType.Varint];
  switch (field.scalar) {
    case ScalarType.STRING: return [Kind.Text, WireType.LengthDelimited];
    case ScalarType.BYTES: return [Kind.Bytes, WireType.LengthDelimited];
    case ScalarType.BOOL: return [Kind.Bool, WireType.Varint];
    case ScalarType.UINT32: return [Kind.Uint32, WireType.Varint];
    case ScalarType.INT32: return [Kind.Int32, WireType.Varint];
    case ScalarType.UINT64: return [Kind.Uint64, WireType.Varint];
    default: throw new Error(`${field.toString()}: this type of field is not used by the protocol`);
  }
}

/** Decodes one message. Throws a MessageError for bytes that are none, invalid_argument for one with something missing or wrong in it. */
export function decodeMessage(desc: DescMessage, bytes: Uint8Array, options: DecodeOptions): PlainObject {
  return decodeBy(readerOf(desc), bytes, 0, options);
}

/** The same with a reader that was asked for before, of a message that begins at an offset and ends with the bytes. */
export function decodeBy(message: MessageReader, bytes: Uint8Array, start: number, { strictText, late, copyBelow = 0 }: DecodeOptions): PlainObject {
  try {
    return readMessage(message, { reader: new WireReader(bytes, start), strictText, late, copyBelow }, bytes.length, {}, 1);
  } catch (reason) {
    if (reason instanceof WardenError) throw reason;
    throw new MessageError(`cannot decode ${message.name}: ${reason instanceof Error ? reason.message : String(reason)}`, reason);
  }
}

function readMessage(message: MessageReader, context: Context, end: number, target: PlainObject, depth: number): PlainObject {
  const { reader } = context;
  const { fields, lists, required } = message;
  for (let at = 0; at < lists.length; at++) target[lists[at] as string] ??= [];
  while (reader.pos < end) {
    const tag = reader.tag();
    const field = tag < fields.length ? fields[tag] : message.furtherFields.get(tag);
    if (field === undefined) reader.skip(tag, RECURSION_LIMIT);
    else if (field.isPacked) readPacked(field, context, target);
    else if (field.kind === Kind.Message) readNested(field, context, target, depth);
    else if (field.isList) (target[field.name] as unknown[]).push(readValue(field, context));
    else target[field.name] = readValue(field, context);
  }
  if (reader.pos !== end) throw new MessageError(`cannot decode ${message.name}: a field reaches past its end`);
  for (let at = 0; at < required.length; at++) {
    const field = required[at] as DescField;
    if (target[field.localName] === undefined) throw missingField(message.name, field);
  }
  return target;
}

function readValue({ kind, desc }: FieldReader, context: Context): unknown {
  const { reader } = context;
  switch (kind) {
    case Kind.Text: return readText(context, desc);
    case Kind.Bytes: return readBytes(context);
    case Kind.Bool: return reader.bool();
    case Kind.Uint32: return reader.uint32();
    case Kind.Int32: return reader.int32();
    case Kind.Uint64: return reader.uint64();
    default: return knownValue(desc, reader.int32());
  }
}

function readPacked(field: FieldReader, context: Context, target: PlainObject): void {
  const { reader } = context;
  const end = reader.end();
  while (reader.pos < end) (target[field.name] as unknown[]).push(readValue(field, context));
  if (reader.pos !== end) throw new Error(`${field.desc.name} reaches past its end`);
}

function readNested({ name, isList, message, defineLate }: FieldReader, context: Context, target: PlainObject, depth: number): void {
  const { reader, late, strictText } = context;
  const { desc } = message as MessageReader;
  if (depth === RECURSION_LIMIT) throw new Error(`messages nested more than ${RECURSION_LIMIT} deep`);
  if (late === desc && defineLate !== undefined && !Object.hasOwn(target, name)) {
    // A copy: what was read into is larger, and would live as long as the message.
    const bytes = reader.latin1();
    defineLate(target, () => decodeMessage(desc, Buffer.from(bytes, 'latin1'), { strictText }));
    return;
  }
  const end = reader.end();
  // A singular message that comes twice is merged, says protobuf.
  const into = isList ? {} : ((target[name] ??= {}) as PlainObject);
  readMessage(message as MessageReader, context, end, into, depth + 1);
  if (isList) (target[name] as unknown[]).push(into);
}

function knownValue(field: DescField, number: number): number {
  if (field.enum?.values.some((value) => value.number === number) === true) return number;
  throw new WardenError('invalid_argument', `${shortName(field.parent)}: the field ${field.name} has the unknown value ${number}`);
}

export function missingField(messageName: string, field: DescField): WardenError {
  return new WardenError('invalid_argument', `${messageName}: the required field ${field.name} is missing`);
}

function readBytes({ reader, copyBelow }: Context): Uint8Array {
  const end = reader.end();
  const start = reader.pos;
  reader.pos = end;
  if (end - start >= copyBelow) return reader.bytes.subarray(start, end);
  if (end === start) return Buffer.alloc(0);
  const copy = Buffer.allocUnsafeSlow(end - start);
  copy.set(reader.bytes.subarray(start, end));
  return copy;
}

function readText({ reader, strictText }: Context, field: DescField): string {
  const start = reader.pos;
  const text = reader.text();
  // Invalid bytes have become U+FFFD; only then is it worth asking whether they were that character already.
  if (strictText && !reader.isAscii && text.includes('\ufffd') && !isUtf8Field(reader, start)) {
    throw new WardenError('invalid_argument', `${shortName(field.parent)}: the field ${field.name} is not valid UTF-8`);
  }
  return text;
}

const strictDecoder = new TextDecoder('utf-8', { fatal: true });

/** Whether the length-delimited field that starts at the position given and was just read is valid UTF-8. */
function isUtf8Field(reader: WireReader, start: number): boolean {
  reader.pos = start;
  const bytes = reader.view();
  try {
    strictDecoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
