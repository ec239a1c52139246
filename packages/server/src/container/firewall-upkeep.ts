/**
 * Keeps the firewall's tables as they have to be: loads them at the start, again when somebody else has changed them, and when a request finds that
 * they are gone. A load replaces both tables in one transaction with what is known of the containers at that moment, so:
 *
 *   - a link is noted before it is made and forgotten when its elements are to go: an interface that a load left out would not be filtered;
 *   - what a request changes, it changes by change(): no load begins under it, and it does not begin under a load;
 *   - what the launcher adds to the tables later (rules, ports) is added again after each load by who has asked for that with afterLoad(). Until
 *     then it is missing: that keeps closed what is to be open, never the other way.
 */
import { WardenError } from 'warden-protocol';
import type { LinkDescription } from '../host/container-description.js';
import type { Host } from '../host/host.js';
import { FirewallMissing, type FirewallChange } from '../host/launcher.js';
import type { Log } from '../lib/log.js';
import { startTimer } from '../lib/timer.js';

/** Two programs that each undo the other's work: the pause before the next load doubles between these. */
const shortestPauseMs = 50;
const longestPauseMs = 1000;
/** After this long without a change the next one is answered at once. */
const calmMs = 10_000;

type FilteredLink = Pick<LinkDescription, 'hostName' | 'containerMac' | 'containerAddress'>;

export class FirewallUpkeep {
  readonly #links = new Map<string, FilteredLink>();
  readonly #restores: (() => Promise<void>)[] = [];
  readonly #changes = new Set<Promise<unknown>>();
  /** The load that is under way, and one that begins when it is over. */
  #load: Promise<void> | undefined;
  #nextLoad: Promise<void> | undefined;
  #pauseMs = 0;
  #lastChangeMs = -Infinity;
  #cancelTimer: () => void = () => undefined;
  #stopped = false;

  constructor(
    private readonly host: Pick<Host, 'firewall' | 'launcher' | 'clock'>,
    private readonly log: Log,
  ) {}

  /** The first load; from then on the tables are watched. @throws WardenError */
  async start(): Promise<void> {
    await this.host.launcher.watchFirewall();
    await this.load();
  }

  /** From now on every load has this link's elements. */
  note(link: FilteredLink): void {
    this.#links.set(link.hostName, link);
  }

  /** To be called in the same turn in which its elements are deleted. */
  forget({ hostName }: Pick<FilteredLink, 'hostName'>): void {
    this.#links.delete(hostName);
  }

  /** `restore` is called after each load, and must not call change(). */
  afterLoad(restore: () => Promise<void>): void {
    this.#restores.push(restore);
  }

  /** Settles when no load is under way. */
  async loaded(): Promise<void> {
    for (let load = this.#underWay(); load !== undefined; load = this.#underWay()) await load.catch(() => undefined);
  }

  /**
   * Changes the firewall, and what is known of a container's part in it. When the tables are gone they are loaded, and `work` is called once more.
   * @throws what `work` throws, or the load
   */
  async change<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await this.#undisturbed(work);
    } catch (error) {
      if (!(error instanceof FirewallMissing)) throw error;
      await this.load();
      return await this.#undisturbed(work);
    }
  }

  /** Loads the tables with all that is known when it begins, which is never before this call. */
  load(): Promise<void> {
    if (this.#nextLoad !== undefined) return this.#nextLoad;
    if (this.#load === undefined) return this.#begin();
    const next = this.#load.catch(() => undefined).then(() => {
      this.#nextLoad = undefined;
      return this.#begin();
    });
    this.#nextLoad = next;
    return next;
  }

  /** Somebody has changed the tables; perhaps it was a load. */
  changed(change: FirewallChange): void {
    if (this.#stopped) return;
    if (this.host.firewall.isOwnChange(change)) this.#watchOn();
    else void this.#repair(change);
  }

  /** Nothing is loaded any more; settles when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    await this.loaded();
  }

  #underWay(): Promise<void> | undefined {
    return this.#nextLoad ?? this.#load;
  }

  async #undisturbed<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#underWay() !== undefined) await this.loaded();
    const change = work();
    this.#changes.add(change);
    try {
      return await change;
    } finally {
      this.#changes.delete(change);
    }
  }

  #begin(): Promise<void> {
    const load = this.#run().finally(() => {
      if (this.#load === load) this.#load = undefined;
    });
    this.#load = load;
    return load;
  }

  async #run(): Promise<void> {
    await Promise.allSettled(this.#changes);
    await this.host.firewall.load([...this.#links.values()]);
    for (const restore of this.#restores) await restore();
  }

  async #repair(change: FirewallChange): Promise<void> {
    this.#slowDown();
    try {
      await this.load();
    } catch (error) {
      this.log.error({ ...change, err: error }, 'the firewall was changed by somebody else and cannot be loaded again: containers may reach what they must not; trying again');
      this.#later(longestPauseMs, () => void this.#repair(change));
      return;
    }
    if (change.unwatched === true) this.log.info({}, 'the firewall was not watched for a moment, and has been loaded again');
    else this.log.warn({ event: 'firewall', ...change }, 'the firewall was changed by somebody else, and has been loaded again');
    this.#later(this.#pauseMs, () => this.#watchOn());
  }

  #slowDown(): void {
    const now = this.host.clock.now();
    this.#pauseMs = now - this.#lastChangeMs > calmMs ? 0 : Math.min(longestPauseMs, Math.max(shortestPauseMs, this.#pauseMs * 2));
    this.#lastChangeMs = now;
  }

  #later(pauseMs: number, work: () => void): void {
    if (this.#stopped) return;
    if (pauseMs === 0) work();
    else this.#cancelTimer = startTimer(this.host.clock, pauseMs, work);
  }

  /** What happens before this is told at once then. A launcher that is gone is asked anew when another is there. */
  #watchOn(): void {
    this.host.launcher.watchFirewall().catch((error: unknown) => {
      if (!this.#stopped && !(error instanceof WardenError && error.code === 'unavailable')) this.log.error({ err: error }, 'the firewall is not watched');
    });
  }
}
