// Colours, on terminals alone and as people wish (https://no-color.org).
import type { Writable } from 'node:stream';
import type { Environment } from './image/docker-credentials.js';

const CODES = { bold: 1, red: 31, green: 32, yellow: 33, grey: 90 } as const;

export type Colour = keyof typeof CODES;
/** Text in a colour, or as it is. */
export type Paint = (colour: Colour, text: string) => string;

export const noColours: Paint = (_colour, text) => text;

/** What there is for output to this stream. */
export function paintFor(stream: Writable & { readonly isTTY?: boolean }, environment: Environment = process.env): Paint {
  const unwanted = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  return stream.isTTY !== true || unwanted ? noColours : (colour, text) => text === '' ? '' : `\u001b[${CODES[colour]}m${text}\u001b[0m`;
}
