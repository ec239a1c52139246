/**
 * One client's connection: frames in, frames out. One request is worked on at a time, replies go out in the order of the
 * requests. Requests that can be answered at once are answered without leaving the event that brought them, and their
 * replies leave in one write.
 *
 * What a client may cost: while a request is under way, or while the client does not read its replies, reading stops as
 * soon as readAhead bytes wait; a frame has the decoder's limit, and an incomplete one takes only what has arrived, for as
 * long as it goes on arriving: unfinished-frames.ts.
 */
import type { Socket } from 'node:net';
import {
  decodeEnvelope, decodeRequest, encodeError, encodeResponse, MessageError, messageTypes, WardenError, type AnyRequest, type ErrorCode, type RequestType, type ResponseInit,
} from 'warden-protocol';
import type { Log } from '../lib/log.js';
import { startTimer, type Clock } from '../lib/timer.js';
import type { Call } from './call.js';
import type { Handlers } from './handlers.js';
import type { Line } from './line.js';
import { encodeAny, writeFrames } from './reply-frames.js';
import { giverBack, makeDecoder } from './request-bodies.js';
import { RequestTrace } from './request-trace.js';
import type { SessionOptions } from './session-options.js';
import { Turn } from './turn.js';
import type { UnfinishedFrames } from './unfinished-frames.js';

/** Bytes of further requests that are read while one is under way. */
const readAheadInBytes = 256 * 1024;

/** Bytes of output that wait for the client while more is fetched for it: one piece, and what goes around it. */
const outputAheadInBytes = 257 * 1024;

/** When the server ends, a client has this long to read the replies that are ready for it. */
const unreadDeadlineMs = 2000;

/** Of a client's own texts that are put into a line of the log. */
const loggedCharacters = 256;

export class Session implements Call {
  readonly #socket: Socket;
  readonly #handlers: Handlers;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #decoder = makeDecoder();
  readonly #turn: Turn;
  readonly #unfinishedFrames: UnfinishedFrames;
  readonly #line: Line;
  readonly #onAnswered: SessionOptions['onAnswered'];
  readonly #peer: string | undefined;
  /** Of the reply under way. */
  #outcome: ErrorCode | 'ok' = 'ok';
  #reason: string | undefined;
  /** Of the request under way, as it came. */
  #traceparent: string | undefined;
  #trace: RequestTrace | undefined;
  #payload: Uint8Array | undefined;
  /** Replies of the event under way, written together at its end. */
  #outbox: Uint8Array[] = [];
  #working = false;
  /** Whether bytes of this connection's are counted with the unfinished frames. */
  #isCounted = false;
  #busy = false;
  #ended = false;
  #draining = false;
  #closed = false;
  #interrupt: ((reason: WardenError) => void) | undefined;
  #abandoned: (() => void) | undefined;
  #writable: (() => void) | undefined;
  #reply: ((written: boolean) => void) | undefined;
  #cancelUnread: () => void = () => undefined;

  constructor(socket: Socket, { handlers, clock, log, unfinishedFrames, line, onAnswered, peer, onClosed }: SessionOptions) {
    this.#socket = socket;
    this.#peer = peer;
    this.#onAnswered = onAnswered;
    this.#unfinishedFrames = unfinishedFrames;
    this.#line = line;
    this.#handlers = handlers;
    this.#clock = clock;
    this.#turn = new Turn(clock);
    this.#log = log;
    const leave = line.join();
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => this.#end());
    socket.on('drain', () => this.#drained());
    // 'close' follows and does what is to be done; a peer that resets its connection is no event of ours.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
      unfinishedFrames.remove(this);
      leave();
      this.#cancelUnread();
      this.#giveUp('the client has closed its connection');
      this.#abandon();
      this.#settleReply(false);
      onClosed(this);
    });
  }

  get client(): object {
    return this;
  }

  get gone(): boolean {
    return this.#closed || this.#ended;
  }

  onInterrupt(callback: ((reason: WardenError) => void) | undefined): void {
    this.#interrupt = callback;
    if (callback === undefined) return;
    if (this.gone) this.#giveUp('the client has closed its connection');
    else if (this.#draining) this.#giveUp('the server is ending');
  }

  onGone(callback: () => void): void {
    this.#abandoned = callback;
    if (this.gone) this.#abandon();
  }

  giveBack(): () => void {
    return giverBack(this.#decoder, this.#payload);
  }

  sendParts(parts: readonly Uint8Array[], written?: () => void): boolean {
    if (this.#closed) return true;
    this.#outbox.push(...parts);
    this.#flush(written === undefined ? undefined : (isWritten) => void (isWritten && written()));
    return written === undefined ? !this.#socket.writableNeedDrain : this.#socket.writableLength <= outputAheadInBytes;
  }

  sendResponse<T extends RequestType>(type: T, response: ResponseInit<T>): boolean {
    return this.sendParts([encodeResponse(type, response)]);
  }

  onClosed(callback: () => void): void {
    if (this.#closed) callback();
    else this.#socket.once('close', callback);
  }

  breakOff(): void {
    this.#socket.destroy();
  }

  onWritable(callback: () => void): void {
    this.#writable = callback;
    if (!this.#socket.writableNeedDrain) callback();
  }

  onReply(callback: (written: boolean) => void): void {
    this.#reply = callback;
    if (this.#closed) this.#settleReply(false);
  }

  /**
   * The server ends: an idle connection and one that waits for a job is closed; any other request is finished first. What the
   * client has sent behind that is not begun any more.
   */
  drain(): void {
    this.#draining = true;
    if (!this.#busy) this.#closeWhenRead();
    else if (this.#interrupt !== undefined) this.#giveUp('the server is ending');
  }

  /** Closes the connection, whatever it is doing. */
  destroy(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#decoder.push(chunk);
    this.#turn.begin();
    if (!this.#busy) return this.#work();
    this.#throttle();
    this.#count(false);
  }

  /** The client sends no more. What it asked for is finished, but nobody waits for a job. */
  #end(): void {
    this.#ended = true;
    this.#giveUp('the client has closed its connection');
    this.#abandon();
    if (!this.#busy) this.#work();
  }

  #drained(): void {
    this.#writable?.();
    if (!this.#busy) this.#work();
  }

  #throttle(): void {
    if (this.#decoder.bufferedLength > readAheadInBytes) this.#socket.pause();
    // Whoever waits for a job has to hear that the client has gone.
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Takes requests until one cannot be answered at once, the client reads too slowly, the turn is over, or none is left. */
  #work(): void {
    if (this.#working || this.#draining || this.#turn.waits) return;
    this.#working = true;
    let exhausted = false;
    try {
      while (!this.#busy && !this.#closed) {
        if (this.#socket.writableNeedDrain) {
          this.#socket.pause();
          break;
        }
        if (this.#turn.isOver && this.#decoder.bufferedLength > 0) {
          this.#socket.pause();
          this.#turn.next(() => this.#work());
          break;
        }
        this.#turn.count();
        const payload = this.#decoder.next();
        if (payload === undefined) {
          exhausted = true;
          if (this.#socket.isPaused()) this.#socket.resume();
          break;
        }
        this.#handle(payload);
      }
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.#working = false;
      this.#flush();
    }
    // While a request is under way, or the client does not read, the next frame waits for us.
    this.#count(exhausted && !this.#decoder.idle);
    if (this.#busy) this.#throttle();
    // A client that sends no more leaves the rest of an incomplete frame unsaid.
    else if (!this.#closed && this.#ended && (exhausted || this.#decoder.idle)) this.#socket.destroySoon();
  }

  /** Has the bytes counted that wait; of most requests none do. */
  #count(isUnfinished: boolean): void {
    const bytes = this.#decoder.bufferedLength;
    if (bytes === 0 && !isUnfinished && !this.#isCounted) return;
    if (this.#closed || this.#socket.destroyed) return;
    this.#isCounted = bytes > 0 || isUnfinished;
    this.#unfinishedFrames.update(this, bytes, isUnfinished);
  }

  #handle(payload: Uint8Array): void {
    let request: AnyRequest;
    const started = performance.now();
    this.#trace = undefined;
    this.#payload = payload;
    try {
      request = decodeRequest(payload);
    } catch (error) {
      if (error instanceof MessageError || !(error instanceof WardenError)) throw error;
      const { type, traceparent } = decodeEnvelope(payload);
      this.#traceparent = traceparent;
      this.#outbox.push(this.#encodeFailure(type as RequestType, error));
      this.#answered(type as RequestType, undefined, started);
      return;
    }
    this.#traceparent = request.traceparent;
    if (this.#line.isFreeFor(request.type)) {
      this.#begin(request, started);
      return;
    }
    this.#busy = true;
    // A request that was received is done, also when its client has gone before its turn came.
    this.#line.wait(() => {
      this.#busy = false;
      this.#begin(request, started);
      if (!this.#busy) this.#goOn();
    });
  }

  #begin(request: AnyRequest, started: number): void {
    try {
      const response = this.#call(request);
      if (response instanceof Promise) {
        this.#busy = true;
        response.then(
          (value) => this.#finish(request, started, () => encodeAny(request.type, value)),
          (error: unknown) => this.#finish(request, started, () => [this.#encodeFailure(request.type, error)]),
        );
        return;
      }
      this.#outbox.push(...encodeAny(request.type, response));
    } catch (error) {
      this.#outbox.push(this.#encodeFailure(request.type, error));
    }
    this.#answered(request.type, request.request, started);
  }

  #call({ type, request }: AnyRequest): unknown {
    // The table's type guarantees that handler and request belong together; TypeScript cannot follow that over a union.
    const handler = this.#handlers[type] as (call: Call, request: unknown) => unknown;
    return handler(this, request);
  }

  #finish(request: AnyRequest, started: number, encode: () => Uint8Array[]): void {
    this.#interrupt = undefined;
    this.#abandoned = undefined;
    this.#writable = undefined;
    this.#busy = false;
    let parts: Uint8Array[];
    try {
      parts = encode();
    } catch (error) {
      parts = [this.#encodeFailure(request.type, error)];
    }
    if (this.#closed) {
      this.#answered(request.type, request.request, started);
      this.#settleReply(false);
      return;
    }
    this.#outbox.push(...parts);
    const reply = this.#reply;
    this.#reply = undefined;
    this.#flush(reply);
    // The client does not wait for what is noted about its request.
    this.#answered(request.type, request.request, started);
    this.#goOn();
  }

  #goOn(): void {
    if (!this.#draining) return this.#work();
    this.#flush();
    this.#closeWhenRead();
  }

  #encodeFailure(type: RequestType, reason: unknown): Buffer {
    this.#settleReply(false);
    this.#outcome = reason instanceof WardenError ? reason.code : 'internal';
    this.#reason = reason instanceof Error ? reason.message : String(reason);
    const { name } = messageTypes[type];
    if (!(reason instanceof WardenError)) {
      const { facts } = this.#requestTrace;
      // Whatever an unexpected error says is for the log; it may contain what a client should not see.
      this.#log.error({ request: name, ...facts, err: reason }, 'a request failed unexpectedly');
      return encodeError(new WardenError('internal', `internal error in ${name}; the server's log has the details, under trace ${facts.trace}`));
    }
    if (reason.code === 'internal') this.#log.error({ request: name, ...this.#requestTrace.facts, err: reason }, 'a request failed');
    return encodeError(reason);
  }

  get #requestTrace(): RequestTrace {
    return this.#trace ??= new RequestTrace(this.#traceparent);
  }

  #answered(type: RequestType, request: object | undefined, started: number): void {
    const [outcome, reason] = [this.#outcome, this.#reason];
    this.#outcome = 'ok';
    this.#reason = this.#payload = undefined;
    const ms = Math.round((performance.now() - started) * 1000) / 1000;
    const level = this.#traceparent !== undefined && this.#requestTrace.isSampled ? 'info' : 'debug';
    if (this.#log.isLevelEnabled?.(level) !== false) {
      const handle = request !== undefined && 'handle' in request && typeof request.handle === 'string' ? request.handle.slice(0, loggedCharacters) : undefined;
      this.#log[level]({ request: messageTypes[type].name, handle, ms, outcome, reason: reason?.slice(0, loggedCharacters), ...this.#requestTrace.facts, peer: this.#peer }, 'request');
    }
    this.#onAnswered?.(type, ms / 1000, outcome);
  }

  /** The bytes cannot be understood: this connection is closed, and no other. */
  #refuse(error: unknown): void {
    this.#log.warn({ reason: error instanceof Error ? error.message : String(error), peer: this.#peer }, 'closing a connection that does not speak the protocol');
    // What was asked for before is answered: a write goes to the kernel at once unless the client does not read.
    this.#flush();
    this.#socket.destroy();
  }

  #flush(reply?: (written: boolean) => void): void {
    const frames = this.#outbox;
    if (frames.length === 0 || this.#closed) return;
    this.#outbox = [];
    writeFrames(this.#socket, frames, reply === undefined ? undefined : (error) => reply(error === undefined || error === null));
  }

  /** Closes the connection once its client has read what is there for it, and a client that does not read soon. */
  #closeWhenRead(): void {
    this.#socket.destroySoon();
    if (!this.#socket.destroyed) this.#cancelUnread = startTimer(this.#clock, unreadDeadlineMs, () => this.#socket.destroy());
  }

  #giveUp(why: string): void {
    const interrupt = this.#interrupt;
    this.#interrupt = undefined;
    if (interrupt === undefined) return;
    interrupt(new WardenError('canceled', why));
    if (this.#draining) this.#socket.destroy();
  }

  #abandon(): void {
    const abandoned = this.#abandoned;
    this.#abandoned = undefined;
    abandoned?.();
  }

  #settleReply(written: boolean): void {
    const reply = this.#reply;
    this.#reply = undefined;
    reply?.(written);
  }
}
