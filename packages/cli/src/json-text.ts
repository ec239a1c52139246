// Answers as JSON for programs: names as the protocol spells them, numbers as numbers while they are exact.

/** Names within an image's configuration are the image's own, and stay. */
const FOREIGN = new Set(['config']);

export function jsonText(value: unknown): string {
  return `${JSON.stringify(plain(value), null, 2)}\n`;
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
