/** list: its answer is made at once when it is short, as usual, and piece by piece when it is long, so that nobody else waits for it longer than for one piece. */
import { encodePiece, encodePieces, MAX_FRAME_LENGTH, Type, WardenError, type RequestOf, type ResponseInit } from 'warden-protocol';
import type { Containers } from '../container/containers.js';
import { listContainers, type ListPiece } from '../container/listing.js';
import { RestOfReply } from './large-result.js';

/** Of an answer with details; all of it is kept until the client has read it. Handles alone are short, and clients since 2012 ask for all of them. */
const answerLimitInBytes = 4 * 1024 * 1024;

/** @throws WardenError invalid_argument; exhausted when the answer would be longer than a server wants to keep */
export function answerList(containers: Containers, request: RequestOf<Type.List>): ResponseInit<Type.List> | Promise<RestOfReply> {
  const pieces = listContainers(containers, request);
  const first = pieces.next();
  const second = pieces.next();
  const whole = first.done === true ? {} : first.value;
  return second.done === true ? whole : encodeInTurns([whole, second.value], pieces, request.details === true ? answerLimitInBytes : MAX_FRAME_LENGTH);
}

async function encodeInTurns(begun: readonly ListPiece[], rest: Iterator<ListPiece, void>, limitInBytes: number): Promise<RestOfReply> {
  const encoded: Uint8Array[] = [];
  let length = 0;
  const add = async (piece: ListPiece): Promise<void> => {
    await new Promise(setImmediate);
    const bytes = encodePiece(Type.List, piece);
    encoded.push(bytes);
    length += bytes.length;
    if (length <= limitInBytes) return;
    throw new WardenError('exhausted', `the list is longer than ${limitInBytes} bytes: ask for pages of it (limit, then after with what was next), for fewer containers by their labels, or for handles without details`);
  };
  for (const piece of begun) await add(piece);
  for (let piece = rest.next(); piece.done !== true; piece = rest.next()) await add(piece.value);
  return new RestOfReply(encodePieces(Type.List, encoded));
}
