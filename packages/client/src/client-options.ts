// What a client is told once, for all of its calls.
import { type WardenError, withTraceparent } from 'warden-protocol';

export interface ClientOptions {
  /** Milliseconds to wait for a connection; 10,000 unless given. */
  connectTimeoutMs?: number | undefined;
  /** The largest reply accepted, in bytes; 99,999,999, the most a frame can hold, unless given. */
  maxFrameLength?: number | undefined;
  /** Called when a connection was made. What it throws is an uncaught exception of the program; the client goes on. */
  onConnected?: (() => void) | undefined;
  /** Called when the connection is gone, for whatever reason, before its calls fail; and when it could not be made. What it throws: as above. */
  onDisconnected?: ((error: WardenError) => void) | undefined;
  /**
   * W3C's traceparent of every request, or what tells it when one is made: the server's log has the request under that trace. A call with one that is
   * none rejects with invalid_argument.
   */
  traceparent?: string | (() => string | undefined) | undefined;
}

/** The frame of a request with the traceparent of whoever makes it, where there is one. Throws invalid_argument for what is none. */
export function traced(frame: Uint8Array, source: ClientOptions['traceparent']): Uint8Array {
  const traceparent = typeof source === 'function' ? source() : source;
  return traceparent === undefined ? frame : withTraceparent(frame, traceparent);
}
