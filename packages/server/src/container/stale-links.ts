/**
 * Links of containers that are no more. The kernel takes one away with its network namespace some milliseconds after the last process, unless a socket keeps
 * that: one whose peer does not answer when its connection is ended is kept for minutes. A link that is still there after a while is removed by
 * hand: its name may be wanted by the next container with that handle, its address by any other. No reply waits for it.
 */
import { againWhenGone } from '../host/ask-again.js';
import type { Host } from '../host/host.js';
import type { Log } from '../lib/log.js';
import { startTimer } from '../lib/timer.js';

/** The kernel needs less, unless hundreds of containers end at once; an address that rests is given to nobody before. */
const patienceMs = 3000;

interface StaleLink {
  readonly hostName: string;
  readonly index: number;
  readonly dueMs: number;
}

export class StaleLinks {
  readonly #waiting: StaleLink[] = [];
  #isTimed = false;

  constructor(
    private readonly host: Pick<Host, 'launcher' | 'links' | 'clock'>,
    private readonly log: Log,
  ) {}

  /**
   * Its container has just gone. By its number a link is known from the next one of that name, which may be there soon.
   * @param known its number; undefined: it is looked for
   */
  add(hostName: string, known?: number): void {
    const index = known ?? this.host.links.indexOf(hostName);
    if (index === undefined) return;
    this.#waiting.push({ hostName, index, dueMs: this.host.clock.now() + patienceMs });
    this.#wait();
  }

  #wait(): void {
    const [next] = this.#waiting;
    if (next === undefined || this.#isTimed) return;
    this.#isTimed = true;
    startTimer(this.host.clock, Math.max(0, next.dueMs - this.host.clock.now()), () => void this.#removeDue());
  }

  /** One after the other: each holds up everybody who makes a link for a moment. */
  async #removeDue(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined && next.dueMs <= this.host.clock.now(); next = this.#waiting[0]) {
      this.#waiting.shift();
      if (this.host.links.indexOf(next.hostName) === next.index) await this.#remove(next);
    }
    this.#isTimed = false;
    this.#wait();
  }

  async #remove({ hostName, index }: StaleLink): Promise<void> {
    try {
      await againWhenGone(() => this.host.launcher.removeLink(hostName, index));
      this.log.debug({ link: hostName }, 'removed a link that connections of its container had kept');
    } catch (error) {
      this.log.warn({ link: hostName, err: error }, 'the link of a container that is no more could not be removed: it goes with the last of its connections');
    }
  }
}
