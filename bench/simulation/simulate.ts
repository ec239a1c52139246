/*
 * A machine with processors and locks, and clients that each ask for one thing after the other: how much gets done, and what is used how much.
 *
 * Processors are given in turns, as schedulers do; a lock goes to who has waited for it longest. A lock may be a real one (the kernel's
 * RTNL), or a program with one thread, which does one thing at a time, too. Times are microseconds.
 */
import { EventQueue } from './event-queue.js';

export type Step =
  /** A processor's work. */
  | { readonly work: number }
  /** Time that passes without a processor. */
  | { readonly wait: number }
  /** With a lock, which is given back at the end. */
  | { readonly hold: string; readonly steps: readonly Step[] }
  /** Side by side, until all are done. */
  | { readonly together: readonly (readonly Step[])[] }
  /** Nobody waits for this. */
  | { readonly later: readonly Step[] };

/** What a client asks for, again and again. */
export interface Request { readonly name: string; readonly steps: readonly Step[] }

export interface Scene {
  readonly processors: number;
  readonly clients: number;
  /** One cycle of each client. */
  readonly cycle: readonly Request[];
  readonly duration: number;
  /** Of the duration; not counted. */
  readonly warmUp: number;
  /** exponential: times vary, and those given are their means. */
  readonly times?: 'fixed' | 'exponential';
  readonly seed?: number;
}

export interface Outcome {
  readonly cyclesPerSecond: number;
  /** Means, by the request's name. */
  readonly latencies: ReadonlyMap<string, number>;
  /** Parts of the time, 0 to 1: that a lock was held, and, as `processors`, that a processor was busy. */
  readonly used: ReadonlyMap<string, number>;
}

/** A processor is taken away from who has had it so long, when others wait. */
const SLICE = 500;

class Lock {
  #held = false;
  #since = 0;
  #heldFor = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly queue: EventQueue) {}

  acquire(proceed: () => void): void {
    if (this.#held) {
      this.#waiting.push(proceed);
      return;
    }
    this.#held = true;
    this.#since = this.queue.now;
    proceed();
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      // Not from here: who releases goes on first.
      this.queue.after(0, next);
      return;
    }
    this.#held = false;
    this.#heldFor += this.queue.now - this.#since;
  }

  get heldFor(): number {
    return this.#heldFor + (this.#held ? this.queue.now - this.#since : 0);
  }
}

class Processors {
  #free: number;
  busyFor = 0;
  readonly #waiting: { left: number; readonly done: () => void }[] = [];

  constructor(private readonly queue: EventQueue, count: number) {
    this.#free = count;
  }

  work(time: number, done: () => void): void {
    this.#waiting.push({ left: time, done });
    this.#dispatch();
  }

  #dispatch(): void {
    while (this.#free > 0) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const slice = this.#waiting.length === 0 ? next.left : Math.min(next.left, SLICE);
      this.#free--;
      this.queue.after(slice, () => {
        this.#free++;
        this.busyFor += slice;
        next.left -= slice;
        if (next.left > 0) this.#waiting.push(next);
        else next.done();
        this.#dispatch();
      });
    }
  }
}

/** mulberry32: the same numbers from the same seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function simulate({ processors: count, clients, cycle, duration, warmUp, times = 'fixed', seed = 1 }: Scene): Outcome {
  const queue = new EventQueue();
  const processors = new Processors(queue, count);
  const locks = new Map<string, Lock>();
  const random = randomOf(seed);
  const timeOf = times === 'fixed' ? (mean: number) => mean : (mean: number) => -mean * Math.log(1 - random());

  const lockNamed = (name: string): Lock => {
    const lock = locks.get(name) ?? new Lock(queue);
    locks.set(name, lock);
    return lock;
  };

  function perform(step: Step, done: () => void): void {
    if ('work' in step) processors.work(timeOf(step.work), done);
    else if ('wait' in step) queue.after(timeOf(step.wait), done);
    else if ('hold' in step) {
      const lock = lockNamed(step.hold);
      lock.acquire(() => inOrder(step.steps, () => {
        lock.release();
        done();
      }));
    } else if ('together' in step) {
      let left = step.together.length;
      if (left === 0) done();
      for (const branch of step.together) inOrder(branch, () => { if (--left === 0) done(); });
    } else {
      inOrder(step.later, () => undefined);
      done();
    }
  }

  function inOrder(steps: readonly Step[], done: () => void, from = 0): void {
    const step = steps[from];
    if (step === undefined) done();
    else perform(step, () => inOrder(steps, done, from + 1));
  }

  let cycles = 0;
  const totals = new Map(cycle.map(({ name }) => [name, { time: 0, count: 0 }]));
  function ask(at: number): void {
    const request = cycle[at];
    if (request === undefined) {
      if (queue.now > warmUp) cycles++;
      queue.after(0, () => ask(0));
      return;
    }
    const begin = queue.now;
    inOrder(request.steps, () => {
      const total = totals.get(request.name);
      if (total !== undefined && begin >= warmUp) {
        total.time += queue.now - begin;
        total.count++;
      }
      ask(at + 1);
    });
  }

  for (let client = 0; client < clients; client++) ask(0);
  let before = new Map<string, number>();
  const usedSoFar = (): Map<string, number> => new Map([['processors', processors.busyFor / count], ...[...locks].map(([name, lock]): [string, number] => [name, lock.heldFor])]);
  queue.after(warmUp, () => { before = usedSoFar(); });
  while (queue.next(duration));
  const measured = duration - warmUp;
  return {
    cyclesPerSecond: cycles / (measured / 1e6),
    latencies: new Map([...totals].map(([name, { time, count: requests }]) => [name, requests === 0 ? NaN : time / requests])),
    used: new Map([...usedSoFar()].map(([name, time]) => [name, (time - (before.get(name) ?? 0)) / measured])),
  };
}
