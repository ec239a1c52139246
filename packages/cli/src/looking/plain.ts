// Answers as JSON has them: enums by name, labels as one object, names and paths as text.
import type { DescField, DescMessage } from 'warden-protocol';

/** A message with the names that its fields have in the protocol's own words, in camel case. What is not set is left out. */
export function plainMessage(desc: DescMessage, message: object): Record<string, unknown> {
  const fields = desc.fields.flatMap((field): [string, unknown][] => {
    const value = (message as Record<string, unknown>)[field.localName];
    if (value === undefined) return [];
    return [[field.localName, Array.isArray(value) ? listOf(field, value) : plainValue(field, value)]];
  });
  return Object.fromEntries(fields);
}

function listOf(field: DescField, values: readonly unknown[]): unknown {
  if (field.message?.name === 'Label') return labelsOf(values as readonly { key: string; value: string }[]);
  return values.map((value) => plainValue(field, value));
}

function plainValue(field: DescField, value: unknown): unknown {
  if (field.message !== undefined) return plainMessage(field.message, value as object);
  if (field.enum !== undefined) return field.enum.values.find(({ number }) => number === value)?.name.toLowerCase() ?? value;
  return value instanceof Uint8Array ? Buffer.from(value).toString() : value;
}

/** Keys are the client's own, and stay as they are (json-text.ts). */
export function labelsOf(labels: readonly { readonly key: string; readonly value: string }[]): object {
  return Object.fromEntries(labels.map(({ key, value }) => [key, value]));
}
