/**
 * Internal container ids: 11 base-32 digits (0-9a-v) of the microseconds since 1970, unique and increasing. A client's
 * handle is never used where an id is: in paths, cgroups and names of processes.
 */
const idPattern = /^[0-9a-v]{11}$/;

/** Whether a text has the shape of an id. */
export function isContainerId(text: string): boolean {
  return idPattern.test(text);
}

/** Milliseconds since 1970 when an id was made, to a millisecond or two, as long as the clock was right. */
export function timeOfContainerId(id: string): bigint {
  return BigInt(Math.floor(Number.parseInt(id, 32) / 1000));
}

export class ContainerIds {
  #last = 0;

  /** @param wallClockMs milliseconds since 1970, for tests */
  constructor(private readonly wallClockMs: () => number = Date.now) {}

  /** Ids handed out from now on are greater than `id`, also when the clock was set back. */
  follow(id: string): void {
    const number = isContainerId(id) ? Number.parseInt(id, 32) : 0;
    // Eleven digits reach beyond what a number counts exactly; the clock does so in the year 2255.
    if (number < Number.MAX_SAFE_INTEGER) this.#last = Math.max(this.#last, number);
  }

  next(): string {
    this.#last = Math.max(this.#last + 1, Math.floor(this.wallClockMs() * 1000));
    return this.#last.toString(32).padStart(11, '0');
  }
}
