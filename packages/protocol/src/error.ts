// The one error class of warden, server and client alike, and its closed set of codes.

/** What can go wrong, by what the caller can do about it. On the wire a code is the text of ErrorResponse.data. */
export const errorCodes = [
  'invalid_argument', 'not_found', 'exists', 'wrong_state', 'exhausted', 'permission', 'unsupported',
  'timeout', 'canceled', 'unavailable', 'protocol', 'internal', 'failed',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

const known: ReadonlySet<string> = new Set(errorCodes);

export function isErrorCode(text: string): text is ErrorCode {
  return known.has(text);
}

export interface WardenErrorOptions {
  /** The error this one was made of. */
  cause?: unknown;
  /** Facts a program may want, beside the sentence: the step, the errno, the object. Never sent to clients. */
  data?: unknown;
}

/** An error with a code of the closed set and a message the user can act on: what failed, on what, why, what to do. */
export class WardenError extends Error {
  override readonly name: string = 'WardenError';
  readonly code: ErrorCode;
  readonly data: unknown;

  constructor(code: ErrorCode, message: string, options: WardenErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.data = options.data;
  }

  /** The reason itself when it is a WardenError already, else one with the code given (internal) and the reason as its cause. */
  static from(reason: unknown, code: ErrorCode = 'internal'): WardenError {
    if (reason instanceof WardenError) return reason;
    return new WardenError(code, reason instanceof Error ? reason.message : String(reason), { cause: reason });
  }
}
