/** A handler's response as the pieces of its frame, and how frames go out. */
import type { Socket } from 'node:net';
import { encodeResponse, encodeResult, Type, type RequestType, type ResponseInit } from 'warden-protocol';
import { RestOfReply, type ResultType } from './large-result.js';

export function encodeAny(type: RequestType, response: unknown): Uint8Array[] {
  if (response instanceof RestOfReply) return response.parts;
  if (type === Type.Run || type === Type.Link) return encodeResult(type, response as ResponseInit<ResultType>);
  return [encodeResponse(type, response as ResponseInit<RequestType>)];
}

/** Frames that are this short together are copied into one buffer: cheaper than a vector of many small ones. */
const joinBelowInBytes = 32 * 1024;

/** @param written called when the last byte has gone, or cannot go */
export function writeFrames(socket: Socket, frames: readonly Uint8Array[], written?: (error?: Error | null) => void): void {
  if (frames.length === 1) {
    socket.write(frames[0] as Uint8Array, written);
    return;
  }
  const length = frames.reduce((sum, frame) => sum + frame.length, 0);
  if (length <= joinBelowInBytes) {
    socket.write(Buffer.concat(frames, length), written);
    return;
  }
  socket.cork();
  frames.forEach((frame, index) => socket.write(frame, index === frames.length - 1 ? written : undefined));
  socket.uncork();
}
