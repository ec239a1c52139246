/** Creates that clients wait for: what is made in advance lets them go first, as long as they leave it a moment. */
import { startTimer, type Clock } from '../lib/timer.js';

/** Something else is begun beside them after this long, when there is no moment without one. */
const patienceMs = 200;

export class CreatesUnderWay {
  #count = 0;
  readonly #waiting = new Set<() => void>();

  constructor(private readonly clock: Clock) {}

  /** @returns to be called at its end */
  begin(): () => void {
    this.#count++;
    return () => {
      this.#count--;
      if (this.#count > 0) return;
      for (const proceed of this.#waiting) proceed();
    };
  }

  /** Settles when none is under way, or when they have followed each other without a pause for a while. */
  async pause(): Promise<void> {
    const untilMs = this.clock.now() + patienceMs;
    for (let leftMs = patienceMs; this.#count > 0 && leftMs > 0; leftMs = untilMs - this.clock.now()) await this.#end(leftMs);
  }

  async #end(withinMs: number): Promise<void> {
    let proceed!: () => void;
    const ended = new Promise<void>((resolve) => (proceed = resolve));
    this.#waiting.add(proceed);
    const cancelTimer = startTimer(this.clock, withinMs, proceed);
    await ended;
    cancelTimer();
    this.#waiting.delete(proceed);
  }
}
