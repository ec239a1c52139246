// Fuzzes what stands between a stranger and the daemon: the frame decoder and both directions of message decoding.
// Property, for every input: only typed errors are thrown, memory stays bounded by the input, and the outcome does not
// depend on how the bytes were split. Deterministic: a seed and a number name an input.
//   node packages/protocol/dist/fuzz/frames.js [--seed N] [--count N]
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WardenError } from '../error.js';
import { encodeFrame, FrameDecoder } from '../framing.js';
import { decodeRequest, decodeResponse } from '../messages.js';
import { mutate } from './mutate.js';
import { seededRandom } from './random.js';

/** What a connection would make of the bytes: one line for each frame, and one for the error that ends it. */
export function outcomeOf(chunks: readonly Uint8Array[]): string[] {
  const decoder = new FrameDecoder();
  const outcome: string[] = [];
  try {
    for (const chunk of chunks) {
      decoder.push(chunk);
      for (let payload = decoder.next(); payload !== undefined; payload = decoder.next()) {
        outcome.push(`request ${attempt(() => decodeRequest(payload as Uint8Array))}`, `response ${attempt(() => decodeResponse(payload as Uint8Array))}`);
      }
    }
    decoder.end();
  } catch (error) {
    outcome.push(describeError(error));
  }
  return outcome;
}

/** The same, of memory that is overwritten before anybody looks at what was decoded. */
export function outcomeOfLent(chunks: readonly Uint8Array[]): string[] {
  const decoder = new FrameDecoder();
  const outcome: string[] = [];
  try {
    for (const chunk of chunks) {
      const memory = Buffer.from(chunk);
      const decoded: (() => string)[] = [];
      try {
        decoder.lend(memory);
        for (let payload = decoder.next(); payload !== undefined; payload = decoder.next()) {
          const lent = payload;
          const copyBelow = decoder.isPayloadOwn ? 16 : Infinity;
          // Only replies are decoded out of lent memory; a request is one of views.
          const request = `request ${attempt(() => decodeRequest(lent))}`;
          decoded.push(() => request, attemptFirst('response', () => decodeResponse(lent, { lateInfo: true, copyBelow })));
        }
      } finally {
        decoder.keep();
        memory.fill(0xff);
        outcome.push(...decoded.map((describe) => describe()));
      }
    }
    decoder.end();
  } catch (error) {
    outcome.push(describeError(error));
  }
  return outcome;
}

function attemptFirst(what: string, decode: () => unknown): () => string {
  try {
    const value = decode();
    return () => `${what} ${attempt(() => value)}`;
  } catch (error) {
    return () => `${what} ${describeError(error)}`;
  }
}

function attempt(decode: () => unknown): string {
  try {
    return JSON.stringify(decode(), plainValue);
  } catch (error) {
    return describeError(error);
  }
}

/** For JSON.stringify, which has called toJSON of a Buffer already when it hands over the value. */
function plainValue(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const original = this[key];
  if (original instanceof Uint8Array) return Buffer.from(original).toString('hex');
  return typeof original === 'bigint' ? `${original}n` : value;
}

function describeError(error: unknown): string {
  if (!(error instanceof WardenError) || (error.code !== 'protocol' && error.code !== 'invalid_argument')) throw error;
  return `${error.name} ${error.code} ${error.message}`;
}

function splitAtRandom(bytes: Uint8Array, random: (below: number) => number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random(random(4) === 0 ? 64 : 4);
    // A copy with nothing around it: a read past its end cannot find the right bytes by chance.
    chunks.push(bytes.slice(at, at + size));
    at += size;
  }
  return chunks;
}

/** Throws when an input breaks the property. */
export function check(bytes: Uint8Array, random: (below: number) => number): void {
  const whole = outcomeOf([bytes]);
  const chunks = splitAtRandom(bytes, random);
  const split = outcomeOf(chunks);
  const lent = outcomeOfLent(chunks);
  // An info that is decoded late is checked late.
  if (split.some((line, at) => line !== lent[at] && !line.includes('cannot decode') && !line.includes('required field')) || split.length !== lent.length) {
    throw new Error(`the outcome depends on whose memory ${Buffer.from(bytes).toString('hex')} is in:\n${split.join('\n')}\n---\n${lent.join('\n')}`);
  }
  if (whole.join('\n') !== split.join('\n')) {
    throw new Error(`the outcome depends on how ${Buffer.from(bytes).toString('hex')} is split:\n${whole.join('\n')}\n---\n${split.join('\n')}`);
  }
}

/** Seeds: the committed corpus (one input a line, in hex, # for comments) and the golden vectors. */
export function readCorpus(): Uint8Array[] {
  const text = readFileSync(new URL('../../fuzz/corpus.txt', import.meta.url), 'utf8');
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').replaceAll(' ', '')).filter((line) => line !== '');
  const golden = JSON.parse(readFileSync(new URL('../../../../test/golden/vectors.json', import.meta.url), 'utf8')) as { vectors: { frame: string }[] };
  return [...lines, ...golden.vectors.map((vector) => vector.frame)].map((hex) => Buffer.from(hex, 'hex'));
}

export interface FuzzOptions {
  seed: number;
  /** Inputs to try at most. */
  count: number;
  /** Stop after this many milliseconds even if there are inputs left. */
  timeoutMs?: number | undefined;
}

/** Runs mutated inputs and returns how many; throws an error that has the input in hex when one breaks the property. */
export function fuzz({ seed, count, timeoutMs = Infinity }: FuzzOptions): number {
  const corpus = readCorpus();
  const random = seededRandom(seed);
  const started = performance.now();
  let done = 0;
  for (; done < count && performance.now() - started < timeoutMs; done++) {
    const first = corpus[random(corpus.length)] as Uint8Array;
    const other = corpus[random(corpus.length)] as Uint8Array;
    const bytes = random(2) === 0 ? mutate(first, other, random) : remadeFrame(first, other, random);
    try {
      check(bytes, random);
    } catch (error) {
      throw new Error(`input ${done} of seed ${seed}: ${Buffer.from(bytes).toString('hex')}`, { cause: error });
    }
  }
  return done;
}

/** A mutated payload in a right frame, so that the mutations reach the messages. */
function remadeFrame(first: Uint8Array, other: Uint8Array, random: (below: number) => number): Uint8Array {
  const start = first.indexOf(0x0a) + 1;
  return encodeFrame(mutate(first.subarray(start, -2), other, random));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, count: { type: 'string', default: '1000000' } } });
  const started = performance.now();
  const done = fuzz({ seed: Number(values.seed), count: Number(values.count) });
  process.stdout.write(`${done} inputs in ${Math.round(performance.now() - started)} ms\n`);
}
