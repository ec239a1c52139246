/**
 * When containers are made in advance: not in the moment of a claim, when the client goes on with its first job, but when no more claims come for a while;
 * one after the other, and none under a create that a client waits for. While claims never pause, after a while without one. After a failure ever later, and so
 * when those that were made die.
 */
import { startTimer, type Clock } from '../lib/timer.js';

/** A first job takes a few milliseconds. */
const quietMs = 20;
const patienceMs = 200;
const shortestRestMs = 1000;
const longestRestMs = 60_000;
/** After this long without another, a death is a single one again. */
const calmMs = 2 * longestRestMs;

export interface RefillWork {
  /** Whether one more is wanted. */
  isNeeded(): boolean;
  /** Makes one, when it is its turn. */
  makeOne(): Promise<void>;
  /** @param restMs until it is tried again */
  failed(error: unknown, restMs: number): void;
}

export class Refill {
  #patientUntilMs: number | undefined;
  #cancelTimer: () => void = () => undefined;
  #underWay: Promise<void> | undefined;
  #isResting = false;
  #failures = 0;
  #losses = 0;
  #lastLossMs = -Infinity;
  #stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly work: RefillWork,
  ) {}

  /** At once, unless the last one failed. */
  begin(): void {
    if (!this.#isResting) this.#run();
  }

  /** One was claimed, or is missing: a little later, or as soon as the last failure is long enough ago. */
  request(): void {
    if (this.#stopped || this.#underWay !== undefined || this.#isResting || !this.work.isNeeded()) return;
    const nowMs = this.clock.now();
    this.#patientUntilMs ??= nowMs + patienceMs;
    this.#cancelTimer();
    this.#cancelTimer = startTimer(this.clock, Math.max(0, Math.min(quietMs, this.#patientUntilMs - nowMs)), () => this.#run());
  }

  /** One has died before anybody had it. Whatever kills them, it is not to be fed with new ones: only the first is replaced at once. */
  lost(): void {
    const nowMs = this.clock.now();
    if (nowMs - this.#lastLossMs > calmMs) this.#losses = 0;
    this.#lastLossMs = nowMs;
    if (this.#stopped || this.#isResting) return;
    if (this.#losses++ === 0) this.request();
    else this.#rest(restAfter(this.#losses - 2));
  }

  /** Nothing more is begun. Settles when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    await this.#underWay;
  }

  #run(): void {
    this.#cancelTimer();
    this.#patientUntilMs = undefined;
    this.#isResting = false;
    if (this.#stopped || this.#underWay !== undefined) return;
    this.#underWay = this.#fill().finally(() => {
      this.#underWay = undefined;
      // One may have been claimed since the last look.
      this.request();
    });
  }

  async #fill(): Promise<void> {
    try {
      while (!this.#stopped && !this.#isResting && this.work.isNeeded()) {
        await this.work.makeOne();
        this.#failures = 0;
      }
    } catch (error) {
      const restMs = restAfter(this.#failures++);
      this.work.failed(error, restMs);
      if (!this.#stopped) this.#rest(restMs);
    }
  }

  #rest(restMs: number): void {
    this.#isResting = true;
    this.#patientUntilMs = undefined;
    this.#cancelTimer();
    this.#cancelTimer = startTimer(this.clock, restMs, () => this.#run());
  }
}

/** @param times that it was so before */
function restAfter(times: number): number {
  return Math.min(longestRestMs, shortestRestMs * 2 ** times);
}
