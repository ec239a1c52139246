// Output of jobs on its way to a client: the messages that carry megabytes, encoded without copying them.
//
// A frame is given as parts, to be written one behind the other between cork and uncork, so that they leave in one
// system call. Small output is copied into one part; large output is a part itself: its memory must not change until it
// has been written.
import { EncodedMessage, encodeMessage, type Prefix, varintLength, writeEnvelope, writeVarint } from './encode.js';
import { WardenError } from './error.js';
import { FrameError, MAX_FRAME_LENGTH, writeFrameTrailer } from './framing.js';
import { LinkResponseSchema, LogsResponseSchema, StreamResponseSchema } from './gen/job_pb.js';
import { encodeResponse, type ResponseInit, Type } from './messages.js';

/** From this many bytes on, more parts in one system call cost less than one more copy. */
const COPY_BELOW = 16 * 1024;

/** Tags of StreamResponse.data and LogsResponse.data, and of the fields of LinkResponse and RunResponse. */
const DATA_TAG = 0x12;
const EXIT_STATUS_TAG = 0x08;
const STDOUT_TAG = 0x12;
const STDERR_TAG = 0x1a;
const INFO_TAG = 0x22;
/** Of ReadFileResponse.data, and of TarOutResponse.data. */
const READ_DATA_TAG = 0x12;
const TAR_DATA_TAG = 0x0a;

const trailer = Buffer.from('\r\n');
const namePrefixes = new Map([['stdout', encodeMessage(StreamResponseSchema, { name: 'stdout' })], ['stderr', encodeMessage(StreamResponseSchema, { name: 'stderr' })]]);

const NOTHING = new Uint8Array(0);

/** The frame of a StreamResponse with name and data. */
export function encodeOutput(name: 'stdout' | 'stderr', data: Uint8Array): Uint8Array[] {
  return encodePiece(Type.Stream, name, data, NOTHING);
}

/** The frame of a LogsResponse with name, data and position: where data begins in the job's output, in bytes. */
export function encodeLogs(name: 'stdout' | 'stderr', data: Uint8Array, position: bigint): Uint8Array[] {
  return encodePiece(Type.Logs, name, data, encodeMessage(LogsResponseSchema, { position }));
}

/** A response that begins with name and data, which have the same numbers in both messages, and ends with `rest`. */
function encodePiece(type: Type.Stream | Type.Logs, name: 'stdout' | 'stderr', data: Uint8Array, rest: Uint8Array): Uint8Array[] {
  const prefix = namePrefixes.get(name) as Uint8Array;
  const before = prefix.length + 1 + varintLength(data.length);
  const length = before + data.length + rest.length;
  const copied = data.length < COPY_BELOW;
  const { frame, offset: start } = writeEnvelope(type, length, copied ? length + 2 : before);
  frame.set(prefix, start);
  frame[start + prefix.length] = DATA_TAG;
  const offset = writeVarint(frame, start + prefix.length + 1, data.length);
  if (!copied) return rest.length === 0 ? [frame, data, trailer] : [frame, data, rest, trailer];
  frame.set(data, offset);
  frame.set(rest, offset + data.length);
  writeFrameTrailer(frame, offset + data.length + rest.length);
  return [frame];
}

/** The frame of a ReadFileResponse or TarOutResponse with data. */
export function encodeContent(type: Type.ReadFile | Type.TarOut, data: Uint8Array): Uint8Array[] {
  const before = 1 + varintLength(data.length);
  const { frame, offset: start } = writeEnvelope(type, before + data.length, before);
  frame[start] = type === Type.ReadFile ? READ_DATA_TAG : TAR_DATA_TAG;
  writeVarint(frame, start + 1, data.length);
  return [frame, data, trailer];
}

export type ResultType = Type.Link | Type.Run;

/** A frame without its two streams. */
export interface ResultAround {
  readonly beforeStdout: Uint8Array;
  readonly beforeStderr: Uint8Array;
  readonly end: Uint8Array;
}

/** The frame of a LinkResponse or RunResponse. Throws invalid_argument, and exhausted when it does not fit a frame. */
export function encodeResult(type: ResultType, response: ResponseInit<ResultType>): Uint8Array[] {
  const { stdout = NOTHING, stderr = NOTHING, ...rest } = response;
  if (stdout.length + stderr.length < COPY_BELOW) return [encodeShortResult(type, response)];
  const { beforeStdout, beforeStderr, end } = encodeResultAround(type, rest, stdout.length, stderr.length);
  return [beforeStdout, stdout, beforeStderr, stderr, end];
}

/** What goes before, between and behind the streams, of which the lengths suffice. They come last: protobuf knows no order of fields. Throws as encodeResult(). */
export function encodeResultAround(type: ResultType, response: Omit<ResponseInit<ResultType>, 'stdout' | 'stderr'>, stdoutLength: number, stderrLength: number): ResultAround {
  const rest = encodeMessage(LinkResponseSchema, response);
  const beforeStderr = bytesHeader(STDERR_TAG, stderrLength);
  const before = rest.length + 1 + varintLength(stdoutLength);
  const { frame: beforeStdout, offset } = envelopeOf(type, before + stdoutLength + beforeStderr.length + stderrLength, before, stdoutLength + stderrLength);
  beforeStdout.set(rest, offset);
  beforeStdout[offset + rest.length] = STDOUT_TAG;
  writeVarint(beforeStdout, offset + rest.length + 1, stdoutLength);
  return { beforeStdout, beforeStderr, end: trailer };
}

function envelopeOf(type: ResultType, length: number, room: number, outputLength: number): Prefix {
  try {
    return writeEnvelope(type, length, room);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    throw new WardenError('exhausted', `${outputLength} bytes of output do not fit one reply, the limit is ${MAX_FRAME_LENGTH}; stream the job instead`, { cause: error });
  }
}

/** Of the jobs that exited, which are nearly all, when the information is encoded already: the way through the descriptors takes twice as long with cold caches. */
function encodeShortResult(type: ResultType, response: ResponseInit<ResultType>): Buffer {
  const { exitStatus = -1, stdout = NOTHING, stderr = NOTHING, info, signal, timedOut, lost } = response;
  if (!(info instanceof EncodedMessage) || exitStatus < 0 || signal !== undefined || timedOut !== undefined || lost !== undefined) return encodeResponse(type, response);
  const length = 1 + varintLength(exitStatus) + bytesLength(stdout) + bytesLength(stderr) + bytesLength(info.bytes);
  const { frame, offset: start } = writeEnvelope(type, length, length + 2);
  frame[start] = EXIT_STATUS_TAG;
  let offset = writeVarint(frame, start + 1, exitStatus);
  offset = writeBytes(frame, offset, STDOUT_TAG, stdout);
  offset = writeBytes(frame, offset, STDERR_TAG, stderr);
  offset = writeBytes(frame, offset, INFO_TAG, info.bytes);
  writeFrameTrailer(frame, offset);
  return frame;
}

function bytesLength(bytes: Uint8Array): number {
  return 1 + varintLength(bytes.length) + bytes.length;
}

function writeBytes(target: Buffer, start: number, tag: number, bytes: Uint8Array): number {
  target[start] = tag;
  const offset = writeVarint(target, start + 1, bytes.length);
  if (bytes.length > 0) target.set(bytes, offset);
  return offset + bytes.length;
}

function bytesHeader(tag: number, length: number): Uint8Array {
  const header = new Uint8Array(1 + varintLength(length));
  header[0] = tag;
  writeVarint(header, 1, length);
  return header;
}
