// What the doctor has found.

export interface Finding {
  /** fail: wardend does not start, or cannot be reached; warn: something will be missing. */
  readonly level: 'ok' | 'warn' | 'fail';
  /** What there is, and what to do about it. */
  readonly text: string;
}

export const ok = (text: string): Finding => ({ level: 'ok', text });
export const warn = (text: string): Finding => ({ level: 'warn', text });
export const fail = (text: string): Finding => ({ level: 'fail', text });
