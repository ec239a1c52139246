/**
 * Job ids, unique over the server's life and its restarts, also after kill -9: ids are reserved on disk a block ahead,
 * and a start goes on behind the last reserved one. Pure: the caller's `reserve` writes.
 */

const blockSize = 1024;
/** The monitor takes ids below 2^31. */
const lastJobId = 0x7fff_ffff;

export class JobIds {
  #next: number;
  #reservedUpTo: number;

  /**
   * @param reservedUpTo first id that no earlier server can have handed out
   * @param reserve records durably that ids below its argument may have been handed out; throws when it cannot
   */
  constructor(
    reservedUpTo: number,
    private readonly reserve: (upTo: number) => void,
  ) {
    this.#next = reservedUpTo;
    this.#reservedUpTo = reservedUpTo;
  }

  /** Ids handed out from now on are greater than one that is in use; the record of what was reserved may be gone. */
  follow(jobId: number): void {
    if (jobId >= this.#next) this.#next = jobId + 1;
  }

  /** The next id; undefined after 2^31 - 1 jobs. */
  next(): number | undefined {
    if (this.#next > lastJobId) return undefined;
    if (this.#next >= this.#reservedUpTo) {
      const upTo = this.#next + blockSize;
      this.reserve(upTo);
      this.#reservedUpTo = upTo;
    }
    return this.#next++;
  }
}
