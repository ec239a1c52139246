/** What a connection gets from the server that it belongs to. */
import type { ErrorCode, RequestType } from 'warden-protocol';
import type { Log } from '../lib/log.js';
import type { Clock } from '../lib/timer.js';
import type { Handlers } from './handlers.js';
import type { Line } from './line.js';
import type { Session } from './session.js';
import type { UnfinishedFrames } from './unfinished-frames.js';

export interface SessionOptions {
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly log: Log;
  readonly unfinishedFrames: UnfinishedFrames;
  readonly line: Line;
  /** Told of every request that was answered, with the code of its error, if it was one. */
  readonly onAnswered?: ((type: RequestType, seconds: number, code: ErrorCode | 'ok') => void) | undefined;
  /** Who the client is, where it has shown that: for the log. */
  readonly peer?: string | undefined;
  /** Called once, when the connection is closed. */
  readonly onClosed: (session: Session) => void;
}
