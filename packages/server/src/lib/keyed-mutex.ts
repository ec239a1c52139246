/**
 * One queue per key: what runs under the same key runs one after the other, in the order of arrival; different keys
 * do not wait for each other. A key without waiters takes no memory.
 */
export class KeyedMutex<Key> {
  readonly #tails = new Map<Key, Promise<void>>();

  /** Runs `work` when everything queued earlier under `key` has ended, however it ended. */
  async run<Result>(key: Key, work: () => Promise<Result>): Promise<Result> {
    const before = this.#tails.get(key);
    let release!: () => void;
    const tail = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#tails.set(key, tail);
    try {
      // Without waiting when nobody is before: each turn of the microtask queue is felt by a request that takes a millisecond.
      if (before !== undefined) await before;
      return await work();
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
      release();
    }
  }

  /** Number of keys in use. */
  get size(): number {
    return this.#tails.size;
  }
}
