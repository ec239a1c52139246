/** What a SPAWN has beside its job when its output is followed. Every run of a server asks for the same, so it is encoded once. */
import { Tag } from './wire.js';
import { FrameWriter } from './wire-codec.js';

export class FollowWish {
  #upToInBytes = -1;
  #attributes: Uint8Array = new Uint8Array(0);

  /** @param upToInBytes of output that is wanted; of more than that only how much there is. The job is forgotten with its end unless it has more */
  attributes(upToInBytes: number): Uint8Array {
    if (this.#upToInBytes !== upToInBytes) {
      const upTo = BigInt(upToInBytes);
      this.#attributes = new FrameWriter().u32(Tag.followOutput, 1).u64(Tag.forgetUpTo, upTo).u64(Tag.outputUpTo, upTo).attributes();
      this.#upToInBytes = upToInBytes;
    }
    return this.#attributes;
  }
}
