// Output of jobs on its way to a client: the messages that carry megabytes, encoded without copying them.
//
// A frame is given as parts, to be written one behind the other between cork and uncork, so that they leave in one
// system call. Small output is copied into one part; large output is a part itself: its memory must not change until it
// has been written.
import { encodeMessage, varintLength, writeEnvelope, writeVarint } from './encode.js';
import { writeFrameTrailer } from './framing.js';
import { LinkResponseSchema, StreamResponseSchema } from './gen/job_pb.js';
import { encodeResponse, type ResponseInit, Type } from './messages.js';

/** From this many bytes on, more parts in one system call cost less than one more copy. */
const COPY_BELOW = 16 * 1024;

/** Tags of StreamResponse.data, and of stdout and stderr of LinkResponse and RunResponse. */
const DATA_TAG = 0x12;
const STDOUT_TAG = 0x12;
const STDERR_TAG = 0x1a;

const trailer = Buffer.from('\r\n');
const namePrefixes = new Map([['stdout', encodeMessage(StreamResponseSchema, { name: 'stdout' })], ['stderr', encodeMessage(StreamResponseSchema, { name: 'stderr' })]]);

/** The frame of a StreamResponse with name and data. */
export function encodeOutput(name: 'stdout' | 'stderr', data: Uint8Array): Uint8Array[] {
  const prefix = namePrefixes.get(name) as Uint8Array;
  const before = prefix.length + 1 + varintLength(data.length);
  const copied = data.length < COPY_BELOW;
  const { frame, offset: start } = writeEnvelope(Type.Stream, before + data.length, copied ? before + data.length + 2 : before);
  frame.set(prefix, start);
  frame[start + prefix.length] = DATA_TAG;
  const offset = writeVarint(frame, start + prefix.length + 1, data.length);
  if (!copied) return [frame, data, trailer];
  frame.set(data, offset);
  writeFrameTrailer(frame, offset + data.length);
  return [frame];
}

/** The frame of a LinkResponse or RunResponse. Throws invalid_argument, and a FrameError when it does not fit a frame. */
export function encodeResult(type: Type.Link | Type.Run, response: ResponseInit<Type.Link>): Uint8Array[] {
  const { exitStatus, stdout, stderr, info } = response;
  if ((stdout?.length ?? 0) + (stderr?.length ?? 0) < COPY_BELOW) return [encodeResponse(type, response)];
  const body = [encodeMessage(LinkResponseSchema, { exitStatus })];
  if (stdout !== undefined) body.push(bytesHeader(STDOUT_TAG, stdout.length), stdout);
  if (stderr !== undefined) body.push(bytesHeader(STDERR_TAG, stderr.length), stderr);
  body.push(encodeMessage(LinkResponseSchema, { info }));
  const length = body.reduce((sum, part) => sum + part.length, 0);
  return [writeEnvelope(type, length, 0).frame, ...body, trailer].filter((part) => part.length > 0);
}

function bytesHeader(tag: number, length: number): Uint8Array {
  const header = new Uint8Array(1 + varintLength(length));
  header[0] = tag;
  writeVarint(header, 1, length);
  return header;
}
