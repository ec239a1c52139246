// A request under way, and what its replies become.
import { type AnyResponse, type InfoResponse, type LinkResponse, type RequestType, type ResponseOf, type Type, type WardenError } from 'warden-protocol';
import type { Cancellation } from './cancellation.js';
import type { Pending } from './connection.js';
import type { EndingDetails } from './job-stream.js';
import { isLastReply } from './reply-end.js';

/** What a job left behind. */
export interface JobResult extends EndingDetails {
  /** 255 when the job was killed by a signal, or its status is unknown. */
  exitStatus: number;
  stdout: Uint8Array;
  stderr: Uint8Array;
  /** The container, when the job had ended; decoded when it is read first. */
  readonly info: InfoResponse | undefined;
}

/** @internal Neither may throw. */
export interface ReplyListener<T extends RequestType> {
  reply(response: ResponseOf<T>, isLast: boolean): void;
  fail(error: WardenError): void;
}

/** Tells its listener of every reply. */
export class Exchange<T extends RequestType> implements Pending {
  #ended = false;

  constructor(readonly type: T, private readonly listener: ReplyListener<T>, private readonly cancellation: Cancellation | undefined) {}

  reply(response: AnyResponse['response']): boolean {
    const isLast = isLastReply(this.type, response);
    if (isLast) this.#end();
    this.listener.reply(response as ResponseOf<T>, isLast);
    return isLast;
  }

  /** Nothing behind the last reply: its listener may have given up another call, and with it the connection. */
  fail(error: WardenError): void {
    if (this.#ended) return;
    this.#end();
    this.listener.fail(error);
  }

  #end(): void {
    this.#ended = true;
    this.cancellation?.release();
  }
}

/** Settles a promise with the last reply. */
export class SingleReply<Response> {
  constructor(private readonly resolve: (response: Response) => void, private readonly reject: (error: WardenError) => void) {}

  reply(response: Response, isLast: boolean): void {
    if (isLast) this.resolve(response);
  }

  fail(error: WardenError): void {
    this.reject(error);
  }
}

/** The exit status of a job whose own is unknown. */
const UNKNOWN_STATUS = 255;

/** Settles a promise with what a job left behind. */
export class JobReply implements ReplyListener<Type.Run | Type.Link> {
  constructor(private readonly resolve: (result: JobResult) => void, private readonly reject: (error: WardenError) => void) {}

  reply(response: LinkResponse): void {
    // The reply becomes the result, so that its info is still decoded when somebody reads it.
    response.exitStatus ??= UNKNOWN_STATUS;
    response.stdout ??= new Uint8Array(0);
    response.stderr ??= new Uint8Array(0);
    if (!('info' in response)) response.info = undefined;
    this.resolve(response as JobResult);
  }

  fail(error: WardenError): void {
    this.reject(error);
  }
}
