/**
 * The id under which the lines about one request are found in the log: that of the client's traceparent, else one of ours, which
 * is made when a line is written, because most requests leave none.
 */
import { randomBytes } from 'node:crypto';
import { parseTraceparent, type Traceparent } from 'warden-protocol';

/** What a line says of it. */
export interface TraceFacts {
  /** 32 hexadecimal digits. */
  readonly trace: string;
  /** The client's own span, where it told one: 16 hexadecimal digits. */
  readonly parent?: string;
}

export class RequestTrace {
  readonly #given: Traceparent | undefined;
  #facts: TraceFacts | undefined;

  /** @param traceparent as it came with the request; what is none counts as if it had not come */
  constructor(traceparent: string | undefined) {
    this.#given = traceparent === undefined ? undefined : parseTraceparent(traceparent);
  }

  /** Whether the client records the trace, and wants to find the request in the log. */
  get isSampled(): boolean {
    return this.#given?.sampled === true;
  }

  get facts(): TraceFacts {
    return this.#facts ??= this.#given === undefined ? { trace: randomBytes(16).toString('hex') } : { trace: this.#given.traceId, parent: this.#given.parentId };
  }
}
