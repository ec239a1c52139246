/*
 * What all clients of a run asked and were answered. Every request and every reply gets the next number: this process sees
 * them one after the other, so that the numbers are their order in time.
 */
import type { ContainerState, HandleOperation } from './handle-history.js';
import type { Evidence } from './exclusive-history.js';
import type { Follow, JobExpectation } from './job-history.js';

/** A request without its reply. */
export interface Open {
  readonly client: number;
  readonly handle: string;
  readonly effect: HandleOperation['effect'];
  readonly text: string;
  readonly began: number;
}

/** A job that somebody started, for all others to follow. */
export interface KnownJob {
  readonly handle: string;
  readonly jobId: number | undefined;
  readonly began: number;
  readonly expected: JobExpectation;
  readonly pieces: readonly string[];
  readonly follows: Follow[];
}

export class History {
  readonly operations = new Map<string, HandleOperation[]>();
  readonly jobs: KnownJob[] = [];
  readonly evidence: Evidence[] = [];
  /** What is wrong whatever the order was. */
  readonly complaints: string[] = [];
  readonly deaths: number[] = [];
  #number = 0;
  #count = 0;
  readonly #cut: Open[] = [];

  tick(): number {
    return ++this.#number;
  }

  /** Replies so far. */
  get count(): number {
    return this.#count;
  }

  begin(client: number, handle: string, effect: HandleOperation['effect'], text: string): Open {
    return { client, handle, effect, text, began: this.tick() };
  }

  /** @param seen the states in which this answer is given; none: it took effect */
  answered(open: Open, answer: string, seen: readonly ContainerState[] = []): number {
    const ended = this.tick();
    this.#add({ ...open, text: `${open.text} → ${answer}`, ended, outcome: seen.length > 0 ? 'refused' : 'done', seen });
    return ended;
  }

  /** The connection broke before the reply. */
  cut(open: Open): void {
    this.#cut.push(open);
  }

  /** A list tells of every handle. */
  listed(client: number, began: number, handles: readonly string[], among: readonly string[]): void {
    const ended = this.tick();
    for (const handle of among) {
      const isThere = handles.includes(handle);
      this.#add({ client, handle, effect: 'none', text: `list → ${isThere ? 'there' : 'not there'}`, began, ended, outcome: 'refused', seen: isThere ? ['active', 'stopped'] : ['absent'] });
    }
  }

  /** The daemon died. */
  died(): void {
    this.deaths.push(this.tick());
  }

  /** The next daemon is ready: what was cut off has taken effect by now, or never will. */
  recovered(): void {
    const ended = this.tick();
    for (const open of this.#cut.splice(0)) {
      if (open.effect !== 'none') this.#add({ ...open, text: `${open.text} → cut off`, ended, outcome: 'unknown', seen: [] });
    }
  }

  get unfinished(): number {
    return this.#cut.length;
  }

  /** Requests with this effect on a handle, answered with success or cut off: when each began. */
  beginnings(handle: string, effects: readonly HandleOperation['effect'][]): number[] {
    return (this.operations.get(handle) ?? []).filter(({ effect }) => effects.includes(effect)).map(({ began }) => began);
  }

  #add({ handle, ...operation }: HandleOperation & { readonly handle: string }): void {
    this.#count++;
    const operations = this.operations.get(handle) ?? [];
    operations.push(operation);
    this.operations.set(handle, operations);
  }
}
