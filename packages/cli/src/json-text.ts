// Answers as JSON for programs: names as the protocol spells them, numbers as numbers while they are exact.

/** Names within an image's configuration are the image's own, and labels their client's: they stay. */
const FOREIGN = new Set(['config', 'labels']);

export function jsonText(value: unknown): string {
  return `${harmless(JSON.stringify(plain(value), null, 2))}\n`;
}

/** On one line, of what comes again and again. */
export function jsonLine(value: unknown): string {
  return `${harmless(JSON.stringify(plain(value)))}\n`;
}

/** The same JSON, without what a terminal would obey (print.ts); JSON itself only escapes the first 32. */
function harmless(json: string): string {
  return json.replace(/[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined).map(([name, field]) => [snakeCase(name), FOREIGN.has(name) ? field as unknown : plain(field)]));
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
