/**
 * Internal container ids: 11 base-32 digits (0-9a-v) of the microseconds since 1970, unique and increasing. A client's
 * handle is never used where an id is: in paths, cgroups and names of processes.
 *
 * A generated handle is an id, and whoever gets one later gets a greater one. A container that is made in advance has its id long before a client gets it
 * as a handle, and its link and its files are named by it. So each such id comes with a block of smaller ones that nobody else gets: containers that are made
 * for a client while it waits take theirs from there.
 */
const idPattern = /^[0-9a-v]{11}$/;

/** With the id of a container made in advance: a millisecond's, so it is the time of day as exactly as before. */
const blockSize = 1000;

/** An id that tells another time than now. Making a container takes less. */
const agedMicroseconds = 50_000;

/** Whether a text has the shape of an id. */
export function isContainerId(text: string): boolean {
  return idPattern.test(text);
}

/** Milliseconds since 1970 when an id was made, to a millisecond or two, as long as the clock was right. */
export function timeOfContainerId(id: string): bigint {
  return BigInt(Math.floor(Number.parseInt(id, 32) / 1000));
}

function textOf(number: number): string {
  return number.toString(32).padStart(11, '0');
}

export class ContainerIds {
  #last = 0;
  /** The greatest that was given as a handle while others waited; undefined: an earlier server gave it. */
  #given: number | undefined;
  /** Ids of containers made in advance, ascending. Every one is greater than every handle that was given. */
  readonly #waiting: number[] = [];
  #isOneOrder = true;

  /** @param wallClockMs milliseconds since 1970, for tests */
  constructor(private readonly wallClockMs: () => number = Date.now) {}

  /** Told of an id that can no longer be given as a handle, because a greater one was. */
  onPassed: (id: string) => void = () => undefined;

  /** False: what waits is of several kinds, of which each is given in its own order; none is passed by for another kind's sake. */
  get isOneOrder(): boolean {
    return this.#isOneOrder;
  }

  /** Where there were several kinds, greater ids than one that waits may have been given: that one is passed by now. */
  set isOneOrder(isOne: boolean) {
    this.#isOneOrder = isOne;
    if (isOne && this.#given !== undefined) this.passUpTo(textOf(this.#given));
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.wallClockMs();
  }

  /** Ids handed out from now on are greater than `id`, also when the clock was set back. */
  follow(id: string): void {
    const number = isContainerId(id) ? Number.parseInt(id, 32) : 0;
    // Eleven digits reach beyond what a number counts exactly; the clock does so in the year 2255.
    if (number < Number.MAX_SAFE_INTEGER) this.#last = Math.max(this.#last, number);
  }

  /** One that may be given as a handle now. */
  next(): string {
    for (let first = this.#waiting[0]; first !== undefined && this.isOneOrder; first = this.#waiting[0]) {
      const free = this.#given === undefined ? first : Math.max(this.#given + 1, first - blockSize + 1);
      if (free < first) return textOf(this.#give(free));
      // Its block is used up, or an earlier server has used some of it.
      this.#waiting.shift();
      this.#give(first);
      this.onPassed(textOf(first));
    }
    return textOf(this.#give(this.#increase()));
  }

  /** One for a container whose handle is a client's own. */
  nextUnlisted(): string {
    return textOf(this.#increase());
  }

  /** One for a container that is made in advance, behind all that are handed out now. */
  reserve(): string {
    if (this.#waiting.length === 0) this.#given ??= this.#increase();
    this.#last = this.#increase() + blockSize;
    this.#waiting.push(this.#last);
    return textOf(this.#last);
  }

  /** A container of an earlier server waits. */
  restore(id: string): void {
    this.follow(id);
    const number = Number.parseInt(id, 32);
    const behind = this.#waiting.findIndex((other) => other > number);
    this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, number);
  }

  /** A container made in advance has become a client's; those before it can no longer be given. */
  give(id: string): void {
    this.drop(id);
    if (this.isOneOrder) this.passUpTo(id);
    this.#give(Number.parseInt(id, 32));
  }

  /** A client has this one, or a greater one, from an earlier server. */
  passUpTo(id: string): void {
    const number = Number.parseInt(id, 32);
    for (let first = this.#waiting[0]; first !== undefined && first < number; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.onPassed(textOf(first));
    }
  }

  /** A container made in advance is none any more, or its handle is not its id. */
  drop(id: string): void {
    const at = this.#waiting.indexOf(Number.parseInt(id, 32));
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  /** Whether a container made in advance can still be given its id as a handle. */
  isReserved(id: string): boolean {
    return this.#waiting.includes(Number.parseInt(id, 32));
  }

  /** Whether an id says an earlier time than now. */
  isAged(id: string): boolean {
    return Number.parseInt(id, 32) < this.wallClockMs() * 1000 - agedMicroseconds;
  }

  #give(number: number): number {
    this.#given = Math.max(this.#given ?? 0, number);
    return number;
  }

  #increase(): number {
    this.#last = Math.max(this.#last + 1, Math.floor(this.wallClockMs() * 1000));
    return this.#last;
  }
}
