/**
 * The frame of a run's or link's response, without copying megabytes of output through the protobuf encoder: everything but
 * the output is encoded as usual, the output's two fields are put behind it. Protobuf knows no order of fields.
 */
import { decodeEnvelope, encodeResponse, encodeResult as encodeShort, FrameDecoder, MAX_FRAME_LENGTH, WardenError, type ResponseInit, type Type } from 'warden-protocol';

/** Tags of LinkResponse's and RunResponse's stdout (2) and stderr (3), both length-delimited. */
const stdoutTag = 0x12;
const stderrTag = 0x1a;
/** Tags of Message's type (1, a number) and payload (2, length-delimited). */
const typeTag = 0x08;
const payloadTag = 0x12;

/** Below this a copy costs less than a vector of parts. */
const copyBelowInBytes = 16 * 1024;

export type ResultType = Type.Run | Type.Link;

/** A frame without its two streams. */
export interface ResultAround {
  readonly beforeStdout: Buffer;
  readonly beforeStderr: Buffer;
  readonly end: Buffer;
}

/**
 * The frame as parts to be written one behind the other. The memory of the output must not change until it is written.
 * @throws WardenError exhausted when it is longer than a frame can be
 */
export function encodeResult(type: ResultType, response: ResponseInit<ResultType>): Uint8Array[] {
  const { stdout = new Uint8Array(), stderr = new Uint8Array(), ...rest } = response;
  if (stdout.length + stderr.length < copyBelowInBytes) return encodeShort(type, response);
  const { beforeStdout, beforeStderr, end } = encodeResultAround(type, rest, stdout.length, stderr.length);
  return [beforeStdout, stdout, beforeStderr, stderr, end];
}

/**
 * What goes before, between and behind the streams, whose lengths are known.
 * @throws WardenError exhausted when the frame is longer than a frame can be
 */
export function encodeResultAround(type: ResultType, response: ResponseInit<ResultType>, stdoutLength: number, stderrLength: number): ResultAround {
  const body = bodyOf(encodeResponse(type, response));
  const [stdoutHead, beforeStderr] = [fieldHead(stdoutTag, stdoutLength), fieldHead(stderrTag, stderrLength)];
  const payloadLength = body.length + stdoutHead.length + stdoutLength + beforeStderr.length + stderrLength;
  const envelope = Buffer.from([typeTag, ...varint(type), payloadTag, ...varint(payloadLength)]);
  const length = envelope.length + payloadLength;
  if (length > MAX_FRAME_LENGTH) {
    throw new WardenError('exhausted', `${stdoutLength + stderrLength} bytes of output do not fit one reply, the limit is ${MAX_FRAME_LENGTH}; stream the job instead`);
  }
  const beforeStdout = Buffer.concat([Buffer.from(`${length}\r\n`), envelope, body, stdoutHead]);
  return { beforeStdout, beforeStderr, end: Buffer.from('\r\n') };
}

function bodyOf(frame: Buffer): Uint8Array {
  const decoder = new FrameDecoder();
  decoder.push(frame);
  const payload = decoder.next();
  return payload === undefined ? new Uint8Array() : decodeEnvelope(payload).body;
}

function fieldHead(tag: number, length: number): Buffer {
  return Buffer.from([tag, ...varint(length)]);
}

/** A number below 2^32 as protobuf writes it: seven bits a byte, the lowest first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
}
