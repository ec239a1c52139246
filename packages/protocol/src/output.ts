// Output of jobs on its way to a client: the messages that carry megabytes, encoded without copying them.
//
// A frame is given as parts, to be written one behind the other between cork and uncork, so that they leave in one
// system call. Small output is copied into one part; large output is a part itself: its memory must not change until it
// has been written.
import { EncodedMessage, encodeMessage, varintLength, writeEnvelope, writeVarint } from './encode.js';
import { writeFrameTrailer } from './framing.js';
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

/** The frame of a LinkResponse or RunResponse. Throws invalid_argument, and a FrameError when it does not fit a frame. */
export function encodeResult(type: Type.Link | Type.Run, response: ResponseInit<Type.Link>): Uint8Array[] {
  const { exitStatus, stdout, stderr, ...rest } = response;
  if ((stdout?.length ?? 0) + (stderr?.length ?? 0) < COPY_BELOW) return [encodeShortResult(type, response)];
  const body = [encodeMessage(LinkResponseSchema, { exitStatus })];
  if (stdout !== undefined) body.push(bytesHeader(STDOUT_TAG, stdout.length), stdout);
  if (stderr !== undefined) body.push(bytesHeader(STDERR_TAG, stderr.length), stderr);
  body.push(encodeMessage(LinkResponseSchema, rest));
  const length = body.reduce((sum, part) => sum + part.length, 0);
  return [writeEnvelope(type, length, 0).frame, ...body, trailer].filter((part) => part.length > 0);
}

/** Of the jobs that exited, which are nearly all, when the information is encoded already: the way through the descriptors takes twice as long with cold caches. */
function encodeShortResult(type: Type.Link | Type.Run, response: ResponseInit<Type.Link>): Buffer {
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
