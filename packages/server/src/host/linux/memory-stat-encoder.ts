/**
 * memory.stat of cgroup v1, from the kernel's text to what clients get on the wire, without a string, a bigint or an object for each of its
 * numbers: the reply of every job has them all, and whatever is done for each of 28 is done with cold caches there.
 */
import { EncodedMessage, MemoryStatSchema, writeVarint } from 'warden-protocol';
import { memoryFieldOfVersion1, nothingUsed } from './memory-statistics.js';
import type { MemoryStatistics } from '../statistics.js';

const space = 0x20;
const newline = 0x0a;
const zero = 0x30;
const nine = 0x39;
/** A number of so many digits is exact as a double. */
const exactDigits = 15;
/** Of a field with its tag. */
const longestField = 12;

/** A line of the text, the same in every group of this kernel. */
interface Line {
  readonly name: Buffer;
  /** Undefined: clients do not know it. */
  readonly tag: Buffer | undefined;
  /** Of the limits, which are the same nearly always: the digits that were there last, and how they are written. */
  digits: Buffer;
  written: Buffer;
}

interface Layout {
  readonly lines: readonly Line[];
  /** Fields that this kernel has no lines for. */
  readonly rest: Buffer;
}

export class MemoryStatEncoder {
  #layout: Layout | undefined;
  readonly #target = Buffer.allocUnsafe(longestField * MemoryStatSchema.fields.length);

  /** @param text what memory.stat tells; undefined: it is not of the form that it has */
  encode(text: Buffer): EncodedMessage | undefined {
    if (this.#layout !== undefined) {
      const encoded = this.#encodeBy(this.#layout, text);
      if (encoded !== undefined) return encoded;
    }
    this.#layout = layoutOf(text);
    return this.#layout === undefined ? undefined : this.#encodeBy(this.#layout, text);
  }

  /** Undefined: the text has other lines. */
  #encodeBy({ lines, rest }: Layout, text: Buffer): EncodedMessage | undefined {
    const target = this.#target;
    let at = 0;
    let length = 0;
    for (const line of lines) {
      const { name, tag } = line;
      for (let index = 0; index < name.length; index++) {
        if (text[at + index] !== name[index]) return undefined;
      }
      const start = at + name.length;
      let value = 0;
      let end = start;
      for (let digit = text[end] ?? 0; digit >= zero && digit <= nine; digit = text[++end] ?? 0) value = value * 10 + digit - zero;
      if (end === start || text[end] !== newline) return undefined;
      at = end + 1;
      if (tag === undefined) continue;
      for (let index = 0; index < tag.length; index++) target[length++] = tag[index] as number;
      if (end - start <= exactDigits) {
        length = writeVarint(target, length, value);
        continue;
      }
      const written = writtenLong(line, text.subarray(start, end));
      target.set(written, length);
      length += written.length;
    }
    if (at !== text.length) return undefined;
    return new EncodedMessage(Buffer.concat([target.subarray(0, length), rest]));
  }
}

function writtenLong(line: Line, digits: Buffer): Buffer {
  if (!line.digits.equals(digits)) {
    line.digits = Buffer.from(digits);
    line.written = varintOf(BigInt(digits.toString('latin1')));
  }
  return line.written;
}

function layoutOf(text: Buffer): Layout | undefined {
  const missing = new Map(Object.entries(nothingUsed) as [keyof MemoryStatistics, bigint][]);
  const lines: Line[] = [];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf(newline, at);
    const behindName = text.indexOf(space, at) + 1;
    if (end < 0 || behindName <= at + 1 || behindName >= end) return undefined;
    const field = memoryFieldOfVersion1(text.toString('latin1', at, behindName - 1));
    if (field !== undefined) missing.delete(field);
    lines.push({ name: Buffer.from(text.subarray(at, behindName)), tag: field === undefined ? undefined : tagOf(field), digits: Buffer.alloc(0), written: Buffer.alloc(0) });
    at = end + 1;
  }
  return { lines, rest: Buffer.concat([...missing].flatMap(([field, value]) => [tagOf(field), varintOf(value)])) };
}

/** The tag of a field that is written as a varint. */
function tagOf(field: keyof MemoryStatistics): Buffer {
  const { [field]: description } = MemoryStatSchema.field;
  return varintOf(BigInt(description.number << 3));
}

function varintOf(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
