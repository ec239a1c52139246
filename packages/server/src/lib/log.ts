/** What the server writes to its log: an object of facts and one sentence. pino has this shape. */
export interface Log {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
  /** Whether lines of a level are written: facts that cost something need not be found for others. They are written where this is missing. */
  isLevelEnabled?(level: 'debug' | 'info'): boolean;
}

/** Writes nothing. */
export const silentLog: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
