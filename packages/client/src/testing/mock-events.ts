// The event stream of the mock server.
import type { EventsResponse } from 'warden-protocol';

type Told = Omit<EventsResponse, 'timeMs'>;

export class MockEvents {
  readonly #listeners = new Set<(event: EventsResponse) => void>();

  tell(event: Told): void {
    for (const listener of this.#listeners) listener({ ...event, timeMs: BigInt(Date.now()) });
  }

  /** What happens from now on, until the socket is closed. */
  async *listen(handle: string | undefined, closed: Promise<unknown>): AsyncGenerator<EventsResponse, void, void> {
    const waiting: EventsResponse[] = [{ kind: 'listening', timeMs: BigInt(Date.now()) }];
    let isClosed = false;
    let wake = (): void => undefined;
    const listener = (event: EventsResponse): void => {
      if (handle === undefined || event.handle === handle) waiting.push(event);
      wake();
    };
    void closed.then(() => {
      isClosed = true;
      wake();
    });
    this.#listeners.add(listener);
    try {
      while (!isClosed) {
        const event = waiting.shift();
        if (event !== undefined) yield event;
        else await new Promise<void>((resolve) => { wake = resolve; });
      }
    } finally {
      this.#listeners.delete(listener);
    }
  }
}
