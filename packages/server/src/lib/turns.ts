/**
 * Work that comes in crowds, done in the order of its coming: so much in one turn of the event loop, and the rest in later ones, when the loop has looked at everybody else in between.
 * What a piece does behind its first promises is its own, and of a create that is nearly all: the next piece is thought of when nothing of it is left to be done at once.
 */
import type { Clock } from './timer.js';

/** What may be begun in one turn, in milliseconds. */
const turnMs = 2;

export class Turns {
  readonly #waiting: (() => void)[] = [];
  #counts = false;
  #endMs = 0;
  /** Within a turn, until the first piece of it has nothing left to be done at once. */
  #working = false;

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  get isCrowded(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether there is time in this turn; otherwise the work has to wait. */
  get isFree(): boolean {
    if (this.#waiting.length > 0) return false;
    this.#count();
    return this.clock.now() < this.#endMs;
  }

  wait(work: () => void): void {
    this.#waiting.push(work);
    if (!this.#counts) this.#schedule();
  }

  /**
   * At once, unless something came just before it in the same event, or there is no time.
   * @param areFew nothing like it can come in a crowd now: unless something waits already it is spared what turns cost
   */
  do(work: () => void, areFew = false): void {
    if (areFew && !this.#working && !this.isCrowded) {
      work();
      return;
    }
    if (this.#working || !this.isFree) {
      this.wait(work);
      return;
    }
    this.#working = true;
    try {
      work();
    } finally {
      this.#afterwards(() => {
        this.#working = false;
        this.#goOn();
      });
    }
  }

  /** Settles when what follows is to be done. */
  mine(): Promise<void> {
    return new Promise((resolve) => void this.do(resolve));
  }

  #count(): void {
    if (this.#counts) return;
    this.#schedule();
    this.#endMs = this.clock.now() + turnMs;
  }

  #schedule(): void {
    this.#counts = true;
    setImmediate(() => this.#nextTurn());
  }

  #nextTurn(): void {
    this.#counts = this.#waiting.length > 0;
    if (!this.#counts) return;
    this.#schedule();
    this.#endMs = this.clock.now() + turnMs;
    this.#beginOne();
  }

  #beginOne(): void {
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) this.#afterwards(() => this.#goOn());
  }

  #goOn(): void {
    if (this.#waiting.length > 0 && this.clock.now() < this.#endMs) this.#beginOne();
  }

  /** Node calls back for a tick when there is no microtask left. */
  #afterwards(callback: () => void): void {
    queueMicrotask(() => process.nextTick(callback));
  }
}
