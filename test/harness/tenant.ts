/*
 * A client that lives through the deaths of the daemon: it makes containers and jobs at random, remembers what it has been told, and
 * finds fault with everything that is not so. What broke off before it was acknowledged may be whole or absent, and nothing else.
 */
import assert from 'node:assert/strict';
import { RequestError } from './client.js';
import type { Client } from './client.js';

/** The daemon as tenants see it: there, or away for a moment. */
export class Daemon {
  #there: Promise<void> = Promise.resolve();
  #waiting: { count: number; resolve: () => void }[] = [];
  /** Requests that were acknowledged, of all tenants. */
  acknowledged = 0;

  constructor(private readonly open: () => Promise<Client>) {}

  async connect(): Promise<Client> {
    await this.#there;
    return await this.open();
  }

  /** Nobody connects before `work` is done. */
  async whileAway(work: () => Promise<void>): Promise<void> {
    this.#there = work();
    await this.#there;
  }

  acknowledge(): void {
    this.acknowledged++;
    for (const { resolve } of this.#waiting.filter(({ count }) => count <= this.acknowledged)) resolve();
    this.#waiting = this.#waiting.filter(({ count }) => count > this.acknowledged);
  }

  /** Settles when so many requests were acknowledged. */
  async reached(count: number): Promise<void> {
    if (count > this.acknowledged) await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
  }
}

interface Result { readonly status: number; readonly stdout: string; readonly stderr: string }

interface Script { readonly text: string; readonly result: Result }

interface Job {
  readonly result: Result;
  /** The last reply may have been written when the connection broke: then the job may be gone. */
  perhapsGone: boolean;
}

interface Tenancy {
  readonly handle: string;
  /** Creating, destroying: that was asked for, and no answer came. */
  state: 'creating' | 'there' | 'destroying';
  readonly jobs: Map<number, Job>;
}

const MOST_CONTAINERS = 3;

function numbers(last: number): string {
  return Array.from({ length: last }, (_, index) => `${index + 1}\n`).join('');
}

export class Tenant {
  readonly #containers = new Map<string, Tenancy>();
  readonly #counts = new Map<string, number>();
  #number = 0;
  #stopped = false;

  constructor(
    private readonly name: string,
    private readonly daemon: Daemon,
    private readonly random: (limit: number) => number,
    /** Errors that are as good as a broken connection: nothing is known then. */
    private readonly excused: RegExp | undefined = undefined,
  ) {}

  stop(): void {
    this.#stopped = true;
  }

  get report(): string {
    return `${this.name}: ${[...this.#counts].map(([what, count]) => `${count} ${what}`).join(', ')}`;
  }

  /** Works until stop(); rejects when something is not as it was told. */
  async work(): Promise<void> {
    while (!this.#stopped) {
      let client: Client | undefined;
      try {
        client = await this.daemon.connect();
        await this.#reconcile(client);
        while (!this.#stopped) await this.#step(client);
      } catch (error) {
        const excused = error instanceof RequestError && this.excused?.test(error.message) === true;
        if (!excused && (error instanceof RequestError || error instanceof assert.AssertionError)) throw new Error(`${this.name}: ${error.message}`, { cause: error });
        this.#count(excused ? 'excused errors' : 'broken connections');
      } finally {
        client?.close();
      }
    }
  }

  /** Asks for everything that is still owed. @returns handles of the containers that are there */
  async settle(client: Client): Promise<string[]> {
    await this.#reconcile(client);
    for (const container of this.#containers.values()) {
      if (container.state === 'there') for (const jobId of [...container.jobs.keys()]) await this.#link(client, container, jobId);
    }
    return [...this.#containers.keys()];
  }

  /** After a break: what was under way is whole or absent, everything else as it was. */
  async #reconcile(client: Client): Promise<void> {
    const listed = new Set(await client.list());
    for (const container of [...this.#containers.values()]) {
      const { handle, state } = container;
      if (!listed.has(handle)) {
        assert.notEqual(state, 'there', `container ${handle} is lost`);
        this.#containers.delete(handle);
        continue;
      }
      const info = await client.info(handle);
      assert.deepEqual(info.events, [], handle);
      if (state === 'creating') container.state = 'there';
    }
    for (const handle of listed) {
      if (handle.startsWith(`${this.name}-`)) assert.ok(this.#containers.has(handle), `container ${handle} is there again after its destroy was acknowledged`);
    }
  }

  async #step(client: Client): Promise<void> {
    const containers = [...this.#containers.values()];
    const half = containers.find(({ state }) => state === 'destroying');
    if (half !== undefined) return await this.#destroy(client, half);
    const container = containers[this.random(containers.length)];
    if (container === undefined || (containers.length < MOST_CONTAINERS && this.random(8) === 0)) return await this.#create(client);
    const jobId = [...container.jobs.keys()][this.random(container.jobs.size)];
    switch (this.random(10)) {
      case 0:
        return await this.#destroy(client, container);
      case 1:
      case 2:
        return await this.#run(client, container);
      case 3:
      case 4:
        if (jobId !== undefined) return await this.#link(client, container, jobId);
        break;
      case 5:
        if (jobId !== undefined) return await this.#stream(client, container, jobId);
        break;
    }
    return await this.#spawn(client, container);
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  #acknowledged(what: string): void {
    this.#count(what);
    this.daemon.acknowledge();
  }

  #script(): Script {
    const status = this.random(200);
    const last = this.random(20_000);
    const result = (stdout: string, stderr = '', exit = status): Result => ({ status: exit, stdout, stderr });
    switch (this.random(5)) {
      case 0:
        return { text: `exit ${status}`, result: result('') };
      case 1:
        return { text: `seq 1 ${last}; exit ${status}`, result: result(numbers(last)) };
      case 2:
        return { text: `seq 1 ${last} >&2; echo end; exit ${status}`, result: result('end\n', numbers(last)) };
      case 3:
        return { text: `for i in $(seq 1 20); do echo $i; sleep 0.01; done; exit ${status}`, result: result(numbers(20)) };
      default:
        return { text: 'echo killed; kill -9 $$', result: result('killed\n', '', 255) };
    }
  }

  async #create(client: Client): Promise<void> {
    const container: Tenancy = { handle: `${this.name}-${this.#number++}`, state: 'creating', jobs: new Map() };
    this.#containers.set(container.handle, container);
    await client.create({ handle: container.handle });
    container.state = 'there';
    this.#acknowledged('creates');
  }

  async #destroy(client: Client, container: Tenancy): Promise<void> {
    container.state = 'destroying';
    await client.destroy(container.handle);
    this.#containers.delete(container.handle);
    this.#acknowledged('destroys');
  }

  async #run(client: Client, { handle }: Tenancy): Promise<void> {
    const { text, result } = this.#script();
    const { status, stdout, stderr } = await client.run(handle, text);
    assert.deepEqual({ status, stdout, stderr }, result, text);
    this.#acknowledged('runs');
  }

  async #spawn(client: Client, { handle, jobs }: Tenancy): Promise<void> {
    const { text, result } = this.#script();
    const jobId = await client.spawn(handle, text);
    assert.ok(!jobs.has(jobId), `job id ${jobId} was given twice`);
    jobs.set(jobId, { result, perhapsGone: false });
    this.#acknowledged('spawns');
  }

  async #link(client: Client, { handle, jobs }: Tenancy, jobId: number): Promise<void> {
    const job = jobs.get(jobId) as Job;
    try {
      const { status, stdout, stderr } = await client.link(handle, jobId);
      assert.deepEqual({ status, stdout, stderr }, job.result, `job ${jobId} of ${handle}`);
    } catch (error) {
      this.#forgiveGone(error, job);
    }
    jobs.delete(jobId);
    this.#acknowledged('links');
  }

  async #stream(client: Client, { handle, jobs }: Tenancy, jobId: number): Promise<void> {
    const job = jobs.get(jobId) as Job;
    const text = { stdout: '', stderr: '' };
    try {
      for await (const { name, data, status } of client.stream(handle, jobId)) {
        if (name === 'stdout' || name === 'stderr') {
          text[name] += data.toString();
          assert.ok(job.result[name].startsWith(text[name]), `${name} of job ${jobId} of ${handle} is no longer what it wrote, after ${text[name].length} bytes`);
        }
        if (status !== undefined) assert.deepEqual({ status, ...text }, job.result, `job ${jobId} of ${handle}`);
      }
    } catch (error) {
      this.#forgiveGone(error, job);
    }
    jobs.delete(jobId);
    this.#acknowledged('streams');
  }

  /** A job whose last reply may have been on its way is gone; any other error is passed on, and the job may be gone the next time. */
  #forgiveGone(error: unknown, job: Job): void {
    if (error instanceof RequestError && error.message === 'no such job' && job.perhapsGone) return;
    if (!(error instanceof RequestError) && !(error instanceof assert.AssertionError)) job.perhapsGone = true;
    throw error;
  }
}
