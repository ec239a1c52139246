// The output of a job as it comes, and its end: of a stream, which takes the job, and of logs, which leave it.
import { type AnyResponse, type InfoResponse, type LogsResponse, type StreamResponse, Type } from 'warden-protocol';
import { type Part, ReplyStream } from './reply-stream.js';

/** What an exit status of 255 leaves open. A server that does not know these says nothing. */
export interface EndingDetails {
  /** The signal that ended the job, when it was one. */
  signal?: number;
  /** Its time-out ended the job. */
  timedOut?: boolean;
  /** Nobody can know any more how the job ended. */
  lost?: boolean;
}

/** A piece of output. The bytes of one piece may stop in the middle of a character. */
export interface OutputChunk {
  name: 'stdout' | 'stderr';
  data: Uint8Array;
}

/** How a streamed job ended. */
export interface StreamResult extends EndingDetails {
  /** 255 when the job was killed by a signal, or its status is unknown. */
  exitStatus: number;
  /** The container, when the job had ended; decoded when it is read first. */
  readonly info: InfoResponse | undefined;
}

/** A piece of output, and where it begins in the output of both streams together, in bytes. */
export interface LogsChunk extends OutputChunk {
  position: bigint;
}

/** How far logs went. */
export interface LogsResult extends EndingDetails {
  /** Where the output that was read ends: from there the next one may go on. */
  position: bigint;
  /** Undefined while the job runs. */
  exitStatus: number | undefined;
}

/** The details that a response has. */
export function endingDetails({ signal, timedOut, lost }: { signal?: number | undefined; timedOut?: boolean | undefined; lost?: boolean | undefined }): EndingDetails {
  return { ...(signal === undefined ? {} : { signal }), ...(timedOut === undefined ? {} : { timedOut }), ...(lost === undefined ? {} : { lost }) };
}

function chunkOf({ name, data }: { name?: string | undefined; data?: Uint8Array | undefined }): OutputChunk | undefined {
  return data === undefined ? undefined : { name: name === 'stderr' ? 'stderr' : 'stdout', data };
}

/** A job's output from its first byte. When it has been read to its end, the job is gone. */
export class JobStream extends ReplyStream<OutputChunk, StreamResult> {
  readonly type = Type.Stream;

  protected override read(response: AnyResponse['response']): Part<OutputChunk, StreamResult> {
    const stream = response as StreamResponse;
    const { exitStatus } = stream;
    return { piece: chunkOf(stream), result: exitStatus === undefined ? undefined : { exitStatus, get info() { return stream.info; }, ...endingDetails(stream) } };
  }
}

/** A job's output from any byte. The job stays as it is. */
export class JobLogs extends ReplyStream<LogsChunk, LogsResult> {
  readonly type = Type.Logs;

  protected override read(response: AnyResponse['response']): Part<LogsChunk, LogsResult> {
    const logs = response as LogsResponse;
    const { position = 0n, exitStatus, last } = logs;
    const chunk = chunkOf(logs);
    return {
      piece: chunk === undefined ? undefined : { ...chunk, position },
      result: last === true ? { position, exitStatus, ...endingDetails(logs) } : undefined,
    };
  }
}
