// A response as `field : value` lines: nested fields flattened with dots, elements of lists with [index].
import { type DescField, type DescMessage } from 'warden-protocol';

/** Fields with content that a program or a file made, wanted as it is. Other bytes are names and paths. */
const CONTENT: ReadonlySet<string> = new Set(['stdout', 'stderr', 'data']);

/** The lines of a message, fields that are not set left out. Output of jobs stands in them as the bytes it is. */
export function printedFields(desc: DescMessage, message: object): Uint8Array {
  return Buffer.concat([...lines(desc, message, '')]);
}

function* lines(desc: DescMessage, message: object, prefix: string): Generator<Uint8Array> {
  for (const field of desc.fields) {
    const value = (message as Record<string, unknown>)[field.localName];
    if (value === undefined) continue;
    const name = prefix + field.name;
    if (!Array.isArray(value)) {
      yield* valueLines(field, value, name);
      continue;
    }
    for (const [index, element] of value.entries()) yield* valueLines(field, element, `${name}[${index}]`);
  }
}

function* valueLines(field: DescField, value: unknown, name: string): Generator<Uint8Array> {
  if (field.message !== undefined) {
    yield* lines(field.message, value as object, `${name}.`);
  } else if (value instanceof Uint8Array && !CONTENT.has(field.name)) {
    yield Buffer.from(`${name} : ${printableBytes(value)}\n`);
  } else if (value instanceof Uint8Array) {
    yield Buffer.concat([Buffer.from(`${name} : `), value, Buffer.from(value.at(-1) === 0x0a ? '' : '\n')]);
  } else {
    const text = printable(field.enum?.values.find(({ number }) => number === value)?.name ?? String(value));
    // Labels and commands are others' choice: none may look like another field. Of the first protocol only an echo has lines, and keeps them.
    yield Buffer.from(`${name} : ${name.includes('.') ? text.replaceAll('\n', '\\n') : text}\n`);
  }
}

/** Text of a server that may hold anything, without what moves a terminal's cursor, changes its colours, or turns the direction of writing around. */
export function printable(text: string): string {
  return text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .replace(/[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`);
}

/** A name or a path of somebody else's choice, on one line: bytes that are no UTF-8 are told, too. */
export function printableBytes(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString();
  const whole = Buffer.from(text).equals(bytes) ? text : Buffer.from(bytes).toString('latin1');
  return printable(whole).replace(/[\t\n]/g, (character) => character === '\t' ? '\\t' : '\\n');
}
