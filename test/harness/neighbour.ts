/*
 * How well a daemon and a container get on while others misbehave: pings and runs, counted against bounds. The bounds are those of a
 * machine that has nothing else to do. A test run shares its machine with other tests, so the same is measured before the misbehaviour
 * begins, and what took several times the bound's part then may take as many times as long.
 */
import assert from 'node:assert/strict';
import type { Client } from './client.js';
import { output } from './expect.js';
import type { ServerFixture } from './fixture.js';
import { withDeadline } from './wait.js';

const PINGS = 300;
const RUNS = 5;
/** Bounds for an idle machine. */
const PING_MS = 50;
const RUN_MS = 5_000;
const DESTROY_MS = 5_000;
/** As many times what was measured before may be the bound, when that is more. */
const SLOWER = 10;
const GIVE_UP_MS = 60_000;

interface Pace { readonly pingMs: number; readonly runMs: number; readonly destroyMs: number }

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

  private constructor(server: ServerFixture, client: Client, handle: string, before: Pace) {
    this.#server = server;
    this.#client = client;
    this.#handle = handle;
    this.#before = before;
  }

  /** A container of its own, and how fast everything is now. */
  static async moveIn(server: ServerFixture): Promise<Neighbour> {
    const { client, handle } = await server.container();
    const [pingMs, runMs] = await Promise.all([pingTime(server), runTime(client, handle)]);
    const other = await server.container();
    const destroyMs = await timed(() => other.client.destroy(other.handle));
    return new Neighbour(server, client, handle, { pingMs, runMs, destroyMs });
  }

  /** Pings and runs at once: each within its bound. */
  async check(): Promise<void> {
    const [pingMs, runMs] = await Promise.all([pingTime(this.#server), runTime(this.#client, this.#handle)]);
    this.#judgePings(pingMs);
    assert.ok(runMs <= Math.max(RUN_MS, SLOWER * this.#before.runMs), `the slowest run took ${runMs.toFixed(0)} ms, before ${this.#before.runMs.toFixed(0)} ms`);
  }

  /** Pings alone. */
  async checkDaemon(): Promise<void> {
    this.#judgePings(await pingTime(this.#server));
  }

  #judgePings(pingMs: number): void {
    assert.ok(pingMs <= Math.max(PING_MS, SLOWER * this.#before.pingMs), `99 of 100 pings within ${pingMs.toFixed(1)} ms, before ${this.#before.pingMs.toFixed(1)} ms`);
  }

  /** A container that misbehaves is destroyed within its bound. */
  async seesDestroyed(client: Client, handle: string): Promise<void> {
    const destroyMs = await timed(() => client.destroy(handle));
    assert.ok(destroyMs <= Math.max(DESTROY_MS, SLOWER * this.#before.destroyMs), `destroyed within ${destroyMs.toFixed(0)} ms, one before within ${this.#before.destroyMs.toFixed(0)} ms`);
  }
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
