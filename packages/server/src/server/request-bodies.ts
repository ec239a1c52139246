/** Memory for requests that come in pieces, which clients send contents of files with: used again, as lib/large-bodies.ts has it for what comes from monitors. */
import { FrameDecoder } from 'warden-protocol';
import { LargeBodies } from '../lib/large-bodies.js';

/** Of all connections. A piece of packages/client's with what is around it, which is 256 KiB and some bytes. */
const bodies = new LargeBodies(257 * 1024);

export function makeDecoder(): FrameDecoder {
  return new FrameDecoder({ take: (sizeInBytes) => bodies.takeAtLeast(sizeInBytes) });
}

/**
 * @param payload what the decoder has handed out last
 * @returns to be called once, or never, when nobody looks at it any more
 */
export function giverBack(decoder: FrameDecoder, payload: Uint8Array | undefined): () => void {
  return payload !== undefined && decoder.isPayloadOwn ? () => bodies.giveBack(payload) : () => undefined;
}
