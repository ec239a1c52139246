/** What a request's handler knows of the connection it came from. */
import type { RequestType, ResponseInit, WardenError } from 'warden-protocol';

export interface Call {
  /** The connection; only its identity counts. */
  readonly client: object;
  /**
   * For requests that wait for a job: calls back once when the client has gone or the server wants to end. Such a request
   * gives up; it gets no reply.
   * @param callback undefined: from now on it is finished whatever happens
   */
  onInterrupt(callback: ((reason: WardenError) => void) | undefined): void;
  /**
   * For requests that take long and are finished when the server ends: calls back once when the client has gone, and nobody wants
   * the outcome any more.
   */
  onGone(callback: () => void): void;
  /**
   * To be asked for before the request is answered.
   * @returns to be called once, or never, when nobody looks at the bytes of the request any more: their memory is used for others then
   */
  giveBack(): () => void;
  /** Whether the client has gone, and nothing can be sent to it. */
  readonly gone: boolean;
  /**
   * Sends frames, or parts of one, ahead of the reply; the rest of it is what the handler returns.
   * @param written called when the kernel has all of it, and not when the client has gone before. With it these are large, and the next may come while one waits.
   * @returns false when the client reads too slowly: wait for onWritable
   */
  sendParts(parts: readonly Uint8Array[], written?: () => void): boolean;
  /** Sends a whole response ahead of the one that the handler returns. The answer is that of sendParts. */
  sendResponse<T extends RequestType>(type: T, response: ResponseInit<T>): boolean;
  /** Calls back once when the connection is closed, now or later. */
  onClosed(callback: () => void): void;
  /** A reply that was begun cannot be finished: closes the connection. */
  breakOff(): void;
  onWritable(callback: () => void): void;
  /** Calls back once when the reply was written to the client, or can never be. */
  onReply(callback: (written: boolean) => void): void;
}
