// W3C Trace Context's traceparent: the id of the trace that a request is part of. https://www.w3.org/TR/trace-context/#traceparent-header

export interface Traceparent {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** Of the caller's own span: 16 hexadecimal digits. */
  readonly parentId: string;
  /** Whether the caller records this trace. */
  readonly sampled: boolean;
}

/** Bytes; one of version 00 has 55. */
export const LONGEST_TRACEPARENT = 256;

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/s;

/** undefined for what is none, of which the specification says that it is to be ignored. */
export function parseTraceparent(text: string): Traceparent | undefined {
  if (text.length > LONGEST_TRACEPARENT) return undefined;
  const [, version, traceId = '', parentId = '', flags = '', further] = FORM.exec(text) ?? [];
  // Versions to come may put more behind the flags; 255 will never be one.
  if (version === undefined || version === 'ff' || (version === '00' && further !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
