// Errors for people.
import { WardenError } from 'warden-protocol';
import { printable } from './print.js';

/** An error as one line. */
export function sentence(reason: unknown): string {
  return printable(WardenError.from(reason).message.replace(/\s*\n\s*/g, '; '));
}
