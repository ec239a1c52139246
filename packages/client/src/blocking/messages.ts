// What the blocking client and its worker say to each other: one question at a time, each with one answer.
import { type ErrorCode, WardenError } from 'warden-protocol';
import type { Address } from '../address.js';

export type Question =
  /** By the name of the promise client's method, or of a group's: `files.write`. */
  | { readonly ask: 'call'; readonly method: string; readonly values: readonly unknown[] }
  /** Begins to read output; the answer is the reading's number. */
  | { readonly ask: 'open'; readonly method: string; readonly values: readonly unknown[] }
  /** The next piece, undefined when there is none. */
  | { readonly ask: 'next'; readonly reading: number }
  | { readonly ask: 'result'; readonly reading: number }
  | { readonly ask: 'leave'; readonly reading: number }
  | { readonly ask: 'close' };

export type Answer = { readonly value: unknown } | { readonly error: PlainError };

/** A WardenError without its class, which does not pass from thread to thread. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly data: string | undefined;
}

export interface WorkerSettings {
  readonly address: Address;
  readonly connectTimeoutMs: number | undefined;
  readonly maxFrameLength: number | undefined;
  readonly traceparent: string | undefined;
  /** What the two threads share: see SIGNAL. */
  readonly shared: SharedArrayBuffer;
}

/** Slots of the shared memory: a count of answers, to wait on, and whether the worker has started and ended. */
export const SIGNAL = { answers: 0, started: 1, ended: 2, bytes: 12 } as const;

export function plainError(reason: unknown): PlainError {
  const { code, message, data } = WardenError.from(reason);
  return { code, message, data: typeof data === 'string' ? data : undefined };
}

export function errorOfPlain({ code, message, data }: PlainError): WardenError {
  return new WardenError(code, message, data === undefined ? {} : { data });
}
