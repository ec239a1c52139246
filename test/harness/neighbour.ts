/*
 * How well a daemon and a container get on while others misbehave: pings, runs and destroys. Each may take so many times as long as before
 * the misbehaviour began or after its end, whichever was slower: how fast the machine is, and what else it has to do, is part of all three.
 */
import assert from 'node:assert/strict';
import type { Client } from './client.js';
import { output } from './expect.js';
import type { ServerFixture } from './fixture.js';
import { withDeadline } from './wait.js';

const PINGS = 300;
const RUNS = 5;
const DESTROYS = 3;
/** With these the bounds of a fast machine that has nothing else to do are some 50 ms for the slowest of a hundred pings, and some seconds for a run and a destroy. */
const SLOWER = { ping: 25, run: 500, destroy: 1_000 } as const;
/** And so long is what the daemon waits for by the clock: processes that are deaf to TERM have three seconds before a destroy kills them. */
const WAITED_MS = { ping: 0, run: 0, destroy: 3_000 } as const;
const GIVE_UP_MS = 60_000;

type Kind = keyof typeof SLOWER;
type Pace = Readonly<Record<Kind, number>>;
const NOT_MEASURED: Pace = { ping: 0, run: 0, destroy: 0 };

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await withDeadline(work(), GIVE_UP_MS, 'an answer');
  return performance.now() - began;
}

/** The 99th of a hundred, in order of length. */
function p99(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
}

export class Neighbour {
  readonly #server: ServerFixture;
  readonly #client: Client;
  readonly #handle: string;
  readonly #before: Pace;
  readonly #meanwhile: { kind: Kind; ms: number }[] = [];

  private constructor(server: ServerFixture, client: Client, handle: string, before: Pace) {
    this.#server = server;
    this.#client = client;
    this.#handle = handle;
    this.#before = before;
  }

  /** A container of its own, and how fast everything is now; where the misbehaviour goes on already (not `quiet`) only the time after it counts. */
  static async moveIn(server: ServerFixture, { quiet = true } = {}): Promise<Neighbour> {
    const { client, handle } = await server.container();
    const before = await pace(server, client, handle);
    return new Neighbour(server, client, handle, quiet ? before : NOT_MEASURED);
  }

  /** Pings and runs at once. */
  async check(): Promise<void> {
    const [ping, run] = await Promise.all([pingTime(this.#server), runTime(this.#client, this.#handle)]);
    this.#meanwhile.push({ kind: 'ping', ms: ping }, { kind: 'run', ms: run });
  }

  /** Pings alone. */
  async checkDaemon(): Promise<void> {
    this.#meanwhile.push({ kind: 'ping', ms: await pingTime(this.#server) });
  }

  /** A container that misbehaves is destroyed. */
  async seesDestroyed(client: Client, handle: string): Promise<void> {
    this.#meanwhile.push({ kind: 'destroy', ms: await timed(() => client.destroy(handle)) });
  }

  /** When the misbehaviour is over: whether everything that was seen meanwhile was within its bound. */
  async judge(): Promise<void> {
    const after = await pace(this.#server, this.#client, this.#handle);
    assert.ok(this.#meanwhile.length > 0);
    for (const { kind, ms } of this.#meanwhile) {
      const usual = Math.max(this.#before[kind], after[kind]);
      assert.ok(ms <= WAITED_MS[kind] + SLOWER[kind] * usual, `${kind}: ${ms.toFixed(1)} ms; before ${this.#before[kind].toFixed(1)} ms, after ${after[kind].toFixed(1)} ms`);
    }
  }
}

async function pace(server: ServerFixture, client: Client, handle: string): Promise<Pace> {
  const [ping, run] = await Promise.all([pingTime(server), runTime(client, handle)]);
  const destroys: number[] = [];
  while (destroys.length < DESTROYS) {
    const other = await server.container();
    destroys.push(await timed(() => other.client.destroy(other.handle)));
  }
  return { ping, run, destroy: Math.max(...destroys) };
}

async function pingTime(server: ServerFixture): Promise<number> {
  const client = await server.connect();
  const times: number[] = [];
  while (times.length < PINGS) times.push(await timed(() => client.ping()));
  client.close();
  return p99(times);
}

async function runTime(client: Client, handle: string): Promise<number> {
  const times: number[] = [];
  while (times.length < RUNS) times.push(await timed(async () => assert.equal(output(await client.run(handle, 'echo hello')), 'hello\n')));
  return Math.max(...times);
}
