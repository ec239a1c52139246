// Amounts as people write them: 256M, 1.5GiB, 0.5.
import { WardenError } from 'warden-protocol';

const LARGEST = 2n ** 63n - 1n;
const UNITS: ReadonlyMap<string, number> = new Map([['', 0], ['k', 10], ['m', 20], ['g', 30], ['t', 40]]);

/** Bytes of `256M`, `1.5g`, `64KiB` or a plain number; units are powers of 1024. @throws WardenError invalid_argument, naming `what` */
export function parseSize(what: string, text: string): bigint {
  const [, whole, fraction = '', unit = ''] = /^(\d{1,19})(\.\d{1,9})?([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const shift = UNITS.get(unit.toLowerCase()) ?? 0;
  const bytes = whole === undefined ? undefined : (BigInt(whole) << BigInt(shift)) + BigInt(Math.round(Number(`0${fraction}`) * 2 ** shift));
  if (bytes === undefined || bytes > LARGEST) throw invalid(`${what} is a size such as 512K, 256M or 1.5G, not ${JSON.stringify(text)}`);
  return bytes;
}

/** A number that need not be whole. @throws WardenError invalid_argument, naming `what` */
export function parseDecimal(what: string, text: string, most: number): number {
  const value = /^\d{1,12}(?:\.\d{1,9})?$/.test(text) ? Number(text) : NaN;
  if (!(value >= 0 && value <= most)) throw invalid(`${what} is a number from 0 to ${most}, not ${JSON.stringify(text)}`);
  return value;
}

/** @throws WardenError invalid_argument, naming `what` */
export function parseWhole(what: string, text: string, least: number, most: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) throw invalid(`${what} is a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
  return value;
}

function invalid(message: string): WardenError {
  return new WardenError('invalid_argument', message);
}
