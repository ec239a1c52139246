// Output as text: UTF-8, whole characters although they come in two pieces, and lines.
import { StringDecoder } from 'node:string_decoder';

export type StreamName = 'stdout' | 'stderr';

/** A piece of output. The bytes of one piece may stop in the middle of a character. */
export interface OutputPiece {
  readonly stream: StreamName;
  readonly data: Uint8Array;
  /** Where data begins in the output of both streams together, in bytes. */
  readonly position: bigint;
}

export interface TextPiece {
  readonly stream: StreamName;
  readonly text: string;
}

/** A line without its end. */
export interface OutputLine {
  readonly stream: StreamName;
  readonly line: string;
}

/** Characters of a line that does not end; a longer one comes in pieces. */
const LONGEST_LINE = 1024 * 1024;

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

/** Text of pieces, each with the characters that are whole; what is no UTF-8 reads U+FFFD. */
export async function* decoded(pieces: AsyncIterable<OutputPiece>): AsyncGenerator<TextPiece, void, void> {
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  for await (const { stream, data } of pieces) {
    const text = decoders[stream].write(Buffer.from(data.buffer, data.byteOffset, data.length));
    if (text !== '') yield { stream, text };
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    const text = decoders[stream].end();
    if (text !== '') yield { stream, text };
  }
}

/** Lines of each stream, as they are whole; what the output ends with too, when it is not empty. */
export async function* linesOf(pieces: AsyncIterable<TextPiece>): AsyncGenerator<OutputLine, void, void> {
  const begun = { stdout: '', stderr: '' };
  for await (const { stream, text } of pieces) {
    const lines = (begun[stream] + text).split('\n');
    begun[stream] = lines.pop() ?? '';
    for (const line of lines) yield { stream, line: line.endsWith('\r') ? line.slice(0, -1) : line };
    if (begun[stream].length >= LONGEST_LINE) {
      yield { stream, line: begun[stream] };
      begun[stream] = '';
    }
  }
  for (const stream of ['stdout', 'stderr'] as const) if (begun[stream] !== '') yield { stream, line: begun[stream] };
}
