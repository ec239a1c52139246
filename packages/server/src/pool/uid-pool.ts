/**
 * User ids of the containers: one uid for vcap, and with it the first of 65536 host ids for everybody else in the
 * container. Least recently used first, so that a range rests as long as possible. Pure.
 */

export interface ContainerIdentity {
  /** uid and gid of user vcap, on the host and in the container. */
  readonly uid: number;
  /** First of the container's 65536 other host ids. */
  readonly firstSubuid: number;
}

/** Host ids of one container. */
export const subuidRangeSize = 65_536;

export class UidPool {
  readonly #taken = new Set<number>();
  /** Free uids, the longest unused first; Set keeps the order of insertion. */
  readonly #free = new Set<number>();

  constructor(
    private readonly startUid: number,
    readonly size: number,
    private readonly startSubuid: number,
  ) {
    for (let uid = startUid; uid < startUid + size; uid++) this.#free.add(uid);
  }

  get taken(): number {
    return this.#taken.size;
  }

  /** A free identity, or undefined when all are taken. */
  acquire(): ContainerIdentity | undefined {
    for (const uid of this.#free) return this.#take(uid);
    return undefined;
  }

  /** The identity with this uid, or undefined when it is taken or not of the pool. */
  claim(uid: number): ContainerIdentity | undefined {
    return this.#free.has(uid) ? this.#take(uid) : undefined;
  }

  /**
   * The identity of a container that lives already. One outside the pool, which was configured differently then, is the
   * container's own; undefined when another container has it.
   */
  restore(uid: number): ContainerIdentity | undefined {
    if (uid >= this.startUid && uid < this.startUid + this.size) return this.claim(uid);
    return { uid, firstSubuid: 0 };
  }

  release(identity: ContainerIdentity): void {
    const { uid } = identity;
    if (uid < this.startUid || uid >= this.startUid + this.size) return;
    if (this.#taken.delete(uid)) this.#free.add(uid);
  }

  #take(uid: number): ContainerIdentity {
    this.#free.delete(uid);
    this.#taken.add(uid);
    return { uid, firstSubuid: this.startSubuid + (uid - this.startUid) * subuidRangeSize };
  }
}
