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
/** With the space behind it; its length takes one byte. */
const longestName = 255;
const nothing = Buffer.alloc(0);

/**
 * What stands in every such text of this kernel: for each line the length of its name with the space behind it, the name, the length of its field's tag
 * (0: clients do not know it) and the tag. One array, read from front to back: that is what cold caches are quick with.
 */
interface Layout {
  readonly lines: Uint8Array;
  /** Fields that this kernel has no lines for. */
  readonly rest: Buffer;
}

export class MemoryStatEncoder {
  #layout: Layout | undefined;
  /** The limits, which are the same nearly always: the digits that were there last, and how they are written. */
  readonly #longNumbers: { digits: Buffer; written: Buffer }[] = [];
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
    let longs = 0;
    for (let line = 0; line < lines.length; ) {
      for (let left = lines[line++] as number; left > 0; left--) {
        if (text[at++] !== lines[line++]) return undefined;
      }
      const start = at;
      let value = 0;
      for (let digit = text[at] ?? 0; digit >= zero && digit <= nine; digit = text[++at] ?? 0) value = value * 10 + digit - zero;
      const digits = at - start;
      if (digits === 0 || text[at++] !== newline) return undefined;
      const tagLength = lines[line++] as number;
      if (tagLength === 0) continue;
      for (let left = tagLength; left > 0; left--) target[length++] = lines[line++] as number;
      if (digits <= exactDigits) {
        length = writeVarint(target, length, value);
        continue;
      }
      const written = this.#writtenLong(longs++, text.subarray(start, start + digits));
      target.set(written, length);
      length += written.length;
    }
    if (at !== text.length) return undefined;
    const encoded = Buffer.allocUnsafe(length + rest.length);
    target.copy(encoded, 0, 0, length);
    encoded.set(rest, length);
    return new EncodedMessage(encoded);
  }

  /** @param index of the number among the long ones of its text */
  #writtenLong(index: number, digits: Buffer): Buffer {
    const known = this.#longNumbers[index];
    if (known?.digits.equals(digits) === true) return known.written;
    const written = varintOf(BigInt(digits.toString('latin1')));
    this.#longNumbers[index] = { digits: Buffer.from(digits), written };
    return written;
  }
}

function layoutOf(text: Buffer): Layout | undefined {
  const missing = new Map(Object.entries(nothingUsed) as [keyof MemoryStatistics, bigint][]);
  const lines: Buffer[] = [];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf(newline, at);
    const behindName = text.indexOf(space, at) + 1;
    if (end < 0 || behindName <= at + 1 || behindName >= end || behindName - at > longestName) return undefined;
    const field = memoryFieldOfVersion1(text.toString('latin1', at, behindName - 1));
    const tag = field === undefined ? nothing : tagOf(field);
    if (field !== undefined) missing.delete(field);
    lines.push(Buffer.from([behindName - at]), text.subarray(at, behindName), Buffer.from([tag.length]), tag);
    at = end + 1;
  }
  return { lines: Buffer.concat(lines), rest: Buffer.concat([...missing].flatMap(([field, value]) => [tagOf(field), varintOf(value)])) };
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
