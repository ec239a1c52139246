/** A handler's response as the pieces of its frame. */
import { encodeResponse, Type, type RequestType, type ResponseInit } from 'warden-protocol';
import { RestOfReply } from './large-result.js';
import { encodeResult, type ResultType } from './result-frame.js';

export function encodeAny(type: RequestType, response: unknown): Uint8Array[] {
  if (response instanceof RestOfReply) return response.parts;
  if (type === Type.Run || type === Type.Link) return encodeResult(type, response as ResponseInit<ResultType>);
  return [encodeResponse(type, response as ResponseInit<RequestType>)];
}
