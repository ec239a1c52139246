// The event client: an emitter of `connected` and `disconnected`, and calls that are answered by a callback or a promise.
//
// It connects when it is made. Calls are pipelined in the order in which they were made, those before the connection is
// there too. When the connection goes, every call without an answer fails; the next call, or connect(), makes another.
import { EventEmitter } from 'node:events';
import { type RequestInit, type RequestName, type RequestType, requestTypeOf, type ResponseOf, type TypeOfName, WardenError } from 'warden-protocol';
import { type Address, addressOf } from './address.js';
import type { CallOptions } from './cancellation.js';
import { type ClientOptions, type ReplyListener, type V1Options, WardenClient } from './client.js';
import { guarded } from './guarded.js';
import { isLastReply } from './reply-end.js';
import { type V1Command, v1Request } from './v1/request.js';
import { V1Reply, type V1Value } from './v1/value.js';

/** Called with an error, or with a reply; of streams and logs with every one. `isLast` is true in the call after which there is no other. */
export type Callback<Reply> = (error: WardenError | undefined, reply: Reply | undefined, isLast: boolean) => void;

export interface EventCallOptions<Reply> extends CallOptions {
  /** Takes every reply, of streams and logs each piece, the last one too. What it throws is what the call rejects with. */
  onReply?: ((reply: Reply, isLast: boolean) => void) | undefined;
}

/** The events of an EventClient and what listeners get. */
export interface ClientEvents {
  connected: [];
  /** The connection is gone, with the reason; `unavailable` with `the client is closed` after close(). */
  disconnected: [error: WardenError];
}

/** An emitter of `connected` and `disconnected` whose calls take callbacks or give promises, and are pipelined. It connects when it is made. */
export class EventClient extends EventEmitter<ClientEvents> {
  readonly address: Address;
  readonly #client: WardenClient;

  /** Connects, to $WARDEN_SOCKET or /run/warden/warden.sock unless told otherwise. Throws invalid_argument for an address that cannot be one. */
  constructor(address?: Address | string, options: Omit<ClientOptions, 'onConnected' | 'onDisconnected'> = {}) {
    super();
    this.address = addressOf(address);
    this.#client = new WardenClient(this.address, {
      ...options,
      // Not in the midst of the connection's own work, which a listener that throws would break.
      onConnected: () => process.nextTick(() => this.emit('connected')),
      onDisconnected: (error) => process.nextTick(() => this.emit('disconnected', error)),
    });
    this.connect();
  }

  /** Whether there is a connection. */
  get connected(): boolean {
    return this.#client.connected;
  }

  /** Makes a connection when there is none. How that went is told by an event. */
  connect(): void {
    this.#client.connect().catch(() => undefined);
  }

  /** A request by its name, and its reply, of streams and logs the last one; those before go to `onReply`. */
  call<Name extends RequestName>(name: Name, request: RequestInit<TypeOfName<Name>>, options?: EventCallOptions<ResponseOf<TypeOfName<Name>>>): Promise<ResponseOf<TypeOfName<Name>>>;
  /** The same with a callback in place of the promise. */
  call<Name extends RequestName>(name: Name, request: RequestInit<TypeOfName<Name>>, callback: Callback<ResponseOf<TypeOfName<Name>>>, options?: CallOptions): void;
  /** The v1 mode: a list of words, answered with a plain value. */
  call(command: V1Command, options?: V1Options): Promise<V1Value>;
  /** The same with a callback. */
  call(command: V1Command, callback: Callback<V1Value>, options?: CallOptions): void;
  call(first: RequestName | V1Command, ...rest: readonly unknown[]): unknown {
    if (typeof first !== 'string') {
      const [second, third] = rest;
      return typeof second === 'function' ? this.#v1(first, guarded(second as Callback<V1Value>), third as CallOptions | undefined)
        : this.#client.v1(first, second as V1Options | undefined);
    }
    const [request, second, third] = rest;
    if (typeof second !== 'function') {
      const { onReply, ...options } = (second ?? {}) as EventCallOptions<object>;
      return this.#request(first, request as object, onReply, options);
    }
    const type = requestTypeOf(first);
    const callback = guarded(second as Callback<object>);
    if (type === undefined) callback(unknownCommand(first), undefined, true);
    else this.#client.exchange(type, request as never, listenerOf(callback, (reply) => reply), third as CallOptions | undefined);
    return undefined;
  }

  /** Closes the connection for good; calls without an answer, and later ones, fail. */
  close(): Promise<void> {
    return this.#client.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #request(name: RequestName, request: object, onReply: ((reply: object, isLast: boolean) => void) | undefined, options: CallOptions): Promise<object> {
    const type = requestTypeOf(name);
    if (type === undefined) throw unknownCommand(name);
    const each = onReply === undefined ? undefined : (reply: object): void => onReply(reply, isLastReply(type, reply));
    return this.#client.requestEach(type, request as never, each, options);
  }

  #v1(command: V1Command, callback: Callback<V1Value>, options: CallOptions | undefined): void {
    try {
      const { type, request } = v1Request(command);
      const reply = new V1Reply(type);
      this.#client.exchange(type, request as never, listenerOf(callback, (response) => reply.value(response)), options);
    } catch (reason) {
      callback(WardenError.from(reason), undefined, true);
    }
  }
}

function listenerOf<Reply>(callback: Callback<Reply>, valueOf: (response: object) => Reply): ReplyListener<RequestType> {
  return {
    reply: (response, isLast) => callback(undefined, valueOf(response), isLast),
    fail: (error) => callback(error, undefined, true),
  };
}

function unknownCommand(name: string): WardenError {
  return new WardenError('invalid_argument', `Unknown command: ${name}`);
}
