/**
 * Containers with a ttl: each is destroyed when its time is over, whoever uses it. The moment is kept in its snapshot, by the clock of the
 * machine that no restart of the server stops; one that has passed meanwhile is over at the start.
 */
import { startTimer, type Clock } from '../lib/timer.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { destroyContainer } from './destroy.js';
import { noteEvent } from './events.js';

export const lifetimeOver = 'ttl is over';

/** After a destroy that failed: a launcher that has ended is there again, what held a mount may have let go. */
const retryPauseMs = 5000;

export class Lifetimes {
  readonly #timers = new Map<Container, () => void>();

  constructor(
    private readonly clock: Clock,
    private readonly onOver: (container: Container) => void,
  ) {}

  /** How many containers wait for their end. */
  get count(): number {
    return this.#timers.size;
  }

  /** From now on it ends in time; nothing happens to one without a ttl. */
  add(container: Container): void {
    if (container.expiresAtMs !== undefined) this.#fireIn(container, container.expiresAtMs - this.clock.now());
  }

  tryAgain(container: Container): void {
    this.#fireIn(container, retryPauseMs);
  }

  remove(container: Container): void {
    this.#timers.get(container)?.();
    this.#timers.delete(container);
  }

  /** Stops every timer, because the server ends; containers live on. */
  stop(): void {
    for (const container of [...this.#timers.keys()]) this.remove(container);
  }

  #fireIn(container: Container, delayMs: number): void {
    this.remove(container);
    this.#timers.set(container, startTimer(this.clock, Math.max(0, delayMs), () => {
      this.#timers.delete(container);
      this.onOver(container);
    }));
  }
}

/** Destroys a container whose time is over, until it is gone. */
export function endLifetime(containers: Containers, container: Container): void {
  noteEvent(containers, container, lifetimeOver);
  containers.inBackground(destroyOrTryAgain(containers, container), 'a container whose ttl is over could not be destroyed, trying again', container);
}

async function destroyOrTryAgain(containers: Containers, container: Container): Promise<void> {
  try {
    await destroyContainer(containers, container);
  } catch (error) {
    // Another destroy was first.
    if (!containers.has(container)) return;
    containers.lifetimes.tryAgain(container);
    throw error;
  }
}
