// A response as `field : value` lines: nested fields flattened with dots, elements of lists with [index].
import { type DescField, type DescMessage } from 'warden-protocol';

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
  } else if (value instanceof Uint8Array) {
    yield Buffer.concat([Buffer.from(`${name} : `), value, Buffer.from(value.at(-1) === 0x0a ? '' : '\n')]);
  } else {
    yield Buffer.from(`${name} : ${printable(field.enum?.values.find(({ number }) => number === value)?.name ?? String(value))}\n`);
  }
}

/** Text of a server that may hold anything, without what moves a terminal's cursor or changes its colours. */
export function printable(text: string): string {
  return text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
