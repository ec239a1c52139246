/* What is still to happen in a simulation, the earliest first: a binary heap, and of events at the same moment the one that was entered first. */

interface Entry { readonly at: number; readonly order: number; readonly happen: () => void }

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

export class EventQueue {
  readonly #heap: Entry[] = [];
  #entered = 0;
  /** The moment of the event that happened last. */
  now = 0;

  /** @param delay from now, not negative */
  after(delay: number, happen: () => void): void {
    if (!(delay >= 0)) throw new Error(`an event cannot happen ${delay} from now`);
    const heap = this.#heap;
    const entry = { at: this.now + delay, order: this.#entered++, happen };
    let at = heap.length;
    heap.push(entry);
    for (let parent = (at - 1) >> 1; at > 0 && isBefore(entry, heap[parent] as Entry); parent = (at - 1) >> 1) {
      heap[at] = heap[parent] as Entry;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Lets the next event happen, unless it is later than `end`. @returns whether one did */
  next(end: number): boolean {
    const heap = this.#heap;
    const [first] = heap;
    if (first === undefined || first.at > end) return false;
    const last = heap.pop() as Entry;
    if (last !== first) this.#sink(last);
    this.now = first.at;
    first.happen();
    return true;
  }

  #sink(entry: Entry): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child++;
      if (!isBefore(heap[child] as Entry, entry)) break;
      heap[at] = heap[child] as Entry;
      at = child;
    }
    heap[at] = entry;
  }
}
