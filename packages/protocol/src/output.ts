// Output of jobs on its way to a client: the one message that carries megabytes, encoded without copying them.
import { encodeMessage, varintLength, writeEnvelope, writeVarint } from "./encode.js";
import { writeFrameTrailer } from "./framing.js";
import { StreamResponseSchema } from "./gen/job_pb.js";
import { Type } from "./messages.js";

/** From this many bytes on, three writes in one writev cost less than one copy. */
const COPY_BELOW = 16 * 1024;

const DATA_TAG = 0x12;
const trailer = Buffer.from("\r\n");
const namePrefixes = new Map([["stdout", encodeMessage(StreamResponseSchema, { name: "stdout" })], ["stderr", encodeMessage(StreamResponseSchema, { name: "stderr" })]]);

/**
 * The frame of a StreamResponse with name and data, as parts to be written one behind the other (between cork and
 * uncork, so that they leave in one system call). Small data is copied into one part, large data is a part itself:
 * its memory must not change until it is written.
 */
export function encodeOutput(name: "stdout" | "stderr", data: Uint8Array): Uint8Array[] {
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
