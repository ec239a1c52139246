// What happens to boxes, as it happens.
import { type EventsResponse, Type, WardenError } from 'warden-protocol';
import type { Address } from '../address.js';
import { Cancellation } from '../cancellation.js';
import { type ClientOptions, WardenClient } from '../client.js';
import { endingDetails, type EndingDetails } from '../job-stream.js';

export type BoxEvent = {
  readonly handle: string;
  readonly time: Date;
  /** So many were left out before this one, because they were not read in time. */
  readonly missed?: number;
} & (
  | { readonly kind: 'created' | 'stopped' | 'destroyed' }
  /** What box.info() lists among its events. */
  | { readonly kind: 'event'; readonly event: string }
  | { readonly kind: 'job_started'; readonly jobId: number }
  | { readonly kind: 'job_ended'; readonly jobId: number; readonly exitStatus: number } & EndingDetails
);

export interface EventsOptions {
  /** Ends it, with the code canceled. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until events() rejects with the code timeout, unless the server listens by then. */
  readonly timeoutMs?: number | undefined;
  /** Of this box alone; of all unless given. */
  readonly handle?: string | undefined;
}

/** Events that wait for the reader here; of more only the number is told. */
const MOST_WAITING = 10_000;

/** Iterate over it, once; leaving the loop ends it, as disposal and its signal do. Everything since it was made is told. */
export class BoxEvents implements AsyncIterable<BoxEvent> {
  readonly #client: WardenClient;
  readonly #waiting: BoxEvent[] = [];
  #missed = 0;
  #end: { readonly error: WardenError | undefined } | undefined;
  #wake: () => void = () => undefined;

  /** @internal Settles when the server tells events. */
  static async open(address: Address, options: ClientOptions, { handle, signal, timeoutMs }: EventsOptions): Promise<BoxEvents> {
    const events = new BoxEvents(address, options);
    const untilListening = new Cancellation('events', { timeoutMs });
    await new Promise<void>((resolve, reject) => {
      untilListening.listen(reject);
      const reply = (response: EventsResponse): void => {
        if (response.kind === 'listening') resolve();
        else events.#take(response);
      };
      const fail = (error: WardenError): void => {
        reject(error);
        events.#finish(error);
      };
      events.#client.exchange(Type.Events, { handle }, { reply, fail }, { signal });
    }).catch(async (reason: unknown) => {
      await events.close();
      throw reason;
    }).finally(() => untilListening.release());
    return events;
  }

  private constructor(address: Address, options: ClientOptions) {
    this.#client = new WardenClient(address, options);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<BoxEvent, void, void> {
    try {
      for (;;) {
        const event = this.#waiting.shift();
        if (event !== undefined) yield event;
        else if (this.#end?.error !== undefined) throw this.#end.error;
        else if (this.#end !== undefined) return;
        else await new Promise<void>((resolve) => { this.#wake = resolve; });
      }
    } finally {
      await this.close();
    }
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.#finish(undefined);
    await this.#client.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(response: EventsResponse): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#missed += 1 + (response.missed ?? 0);
      return;
    }
    const event = eventOf(response, this.#missed);
    if (event === undefined) return;
    this.#missed = 0;
    this.#waiting.push(event);
    this.#wake();
  }

  #finish(error: WardenError | undefined): void {
    this.#end ??= { error };
    this.#wake();
  }
}

/** Undefined for a kind of a later server. */
function eventOf({ kind, timeMs, handle = '', event = '', jobId = 0, exitStatus = 255, missed = 0, ...ending }: EventsResponse, more: number): BoxEvent | undefined {
  const common = { handle, time: new Date(Number(timeMs)), ...(missed + more === 0 ? {} : { missed: missed + more }) };
  switch (kind) {
    case 'created': case 'stopped': case 'destroyed': return { ...common, kind };
    case 'event': return { ...common, kind, event };
    case 'job_started': return { ...common, kind, jobId };
    case 'job_ended': return { ...common, kind, jobId, exitStatus, ...endingDetails(ending) };
    default: return undefined;
  }
}
