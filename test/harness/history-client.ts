/* One of many clients that do random things to a few handles which they all share, and note what comes of it. */
import { basename } from 'node:path';
import { Client, RequestError } from './client.js';
import type { Info, JobResult } from './client.js';
import type { ContainerState } from './handle-history.js';
import type { History, KnownJob, Open } from './history.js';
import type { Follow, JobExpectation } from './job-history.js';

const LIVE: readonly ContainerState[] = ['active', 'stopped'];
const CLOSED = 'the server closed the connection';
/** Jobs that are still worth following. */
const RECENT_JOBS = 30;

export interface Surroundings {
  readonly history: History;
  readonly handles: readonly string[];
  /** Settles when there is a daemon, or rejects when the run is over. */
  connect(): Promise<Client>;
  /** Whether the daemon was ended on purpose: only then may connections break. */
  isDown(): boolean;
}

export class HistoryClient {
  #client: Client | undefined;
  #jobs = 0;

  constructor(private readonly number: number, private readonly around: Surroundings, private readonly below: (limit: number) => number) {}

  async step(): Promise<void> {
    this.#client ??= await this.around.connect();
    const client = this.#client;
    const handle = this.#pick(this.around.handles);
    const kinds = [this.#create, this.#create, this.#destroy, this.#list, this.#info, this.#info, this.#run, this.#run, this.#spawn, this.#spawn, this.#follow, this.#follow, this.#follow, this.#burst, this.#limit];
    await (this.below(40) === 0 ? this.#stop : this.#pick(kinds)).call(this, client, handle);
  }

  close(): void {
    this.#client?.close();
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  /** The answer of a request; undefined when the connection broke or the answer was an error, which is noted then. */
  async #ask<T>(open: Open, request: Promise<T>): Promise<T | undefined> {
    try {
      return await request;
    } catch (error) {
      if (error instanceof RequestError) this.#refused(open, error);
      else this.#broke(open, error);
      return undefined;
    }
  }

  #refused(open: Open, { message, code }: RequestError): void {
    const state = /current state is '(\w+)'/.exec(message)?.[1];
    const { history } = this.around;
    if (message === 'unknown handle' || state === 'destroyed') history.answered(open, message, ['absent']);
    else if (code === 'exists') history.answered(open, message, LIVE);
    else if (state === 'active' || state === 'stopped') history.answered(open, message, [state]);
    else history.complaints.push(`client ${this.number}: ${open.text} of ${open.handle}, begun at ${open.began}: ${code}: ${message}`);
  }

  #broke(open: Open, error: unknown): void {
    this.#client = undefined;
    this.around.history.cut(open);
    const message = error instanceof Error ? error.message : String(error);
    if (message !== CLOSED || !this.around.isDown()) this.around.history.complaints.push(`client ${this.number}: ${open.text} of ${open.handle}: ${message}`);
  }

  #saw(open: Open, ended: number, info: Info, uid?: string): void {
    const { evidence } = this.around.history;
    const container = basename(info.container_path);
    const things = [`handle ${open.handle}`, `network of ${info.host_ip}`, ...(uid === undefined ? [] : [`uid ${uid}`])];
    for (const thing of things) evidence.push({ thing, container, began: open.began, ended });
  }

  async #create(client: Client, handle: string): Promise<void> {
    const open = this.around.history.begin(this.number, handle, 'create', 'create');
    if (await this.#ask(open, client.create({ handle })) !== undefined) this.around.history.answered(open, 'created');
  }

  async #destroy(client: Client, handle: string): Promise<void> {
    const open = this.around.history.begin(this.number, handle, 'destroy', 'destroy');
    if (await this.#ask(open, client.destroy(handle).then(() => true)) !== undefined) this.around.history.answered(open, 'destroyed');
  }

  async #stop(client: Client, handle: string): Promise<void> {
    const open = this.around.history.begin(this.number, handle, 'stop', 'stop');
    if (await this.#ask(open, client.stop(handle, { kill: this.below(2) === 0 }).then(() => true)) !== undefined) this.around.history.answered(open, 'stopped');
  }

  async #list(client: Client): Promise<void> {
    const open = this.around.history.begin(this.number, '', 'none', 'list');
    const handles = await this.#ask(open, client.list());
    if (handles !== undefined) this.around.history.listed(this.number, open.began, handles, this.around.handles);
  }

  async #info(client: Client, handle: string): Promise<void> {
    const open = this.around.history.begin(this.number, handle, 'none', 'info');
    const info = await this.#ask(open, client.info(handle));
    if (info === undefined) return;
    this.#saw(open, this.around.history.answered(open, info.state, [info.state as ContainerState]), info);
  }

  async #limit(client: Client, handle: string): Promise<void> {
    const open = this.around.history.begin(this.number, handle, 'none', 'limit_memory');
    const outcome = await client.request('limit_memory', { handle }).catch((error: unknown) => error);
    if (outcome instanceof RequestError && outcome.code !== 'unsupported') this.#refused(open, outcome);
    else if (outcome instanceof Error && !(outcome instanceof RequestError)) this.#broke(open, outcome);
    else this.around.history.answered(open, 'there', LIVE);
  }

  /** Requests sent ahead of their replies: each reply belongs to its request. */
  async #burst(client: Client, handle: string): Promise<void> {
    const words = Array.from({ length: 5 }, (_, index) => `${this.number}.${this.#jobs}.${index}`);
    const open = this.around.history.begin(this.number, handle, 'none', 'info among echoes');
    const all = Promise.all([...words.slice(0, 3).map((word) => client.echo(word)), client.info(handle).catch((error: unknown) => error), ...words.slice(3).map((word) => client.echo(word))]);
    const answers = await this.#ask(open, all);
    if (answers === undefined) return;
    const [info] = answers.splice(3, 1) as [unknown];
    if (info instanceof RequestError) this.#refused(open, info);
    else this.around.history.answered(open, (info as Info).state, [(info as Info).state as ContainerState]);
    if (answers.join() !== words.join()) this.around.history.complaints.push(`client ${this.number}: echoes ${words.join()} came back as ${answers.join()}`);
  }

  #makeJob(handle: string): { script: string; expected: JobExpectation; pieces: string[] } {
    const name = `${handle} ${this.number}.${++this.#jobs}`;
    const status = 1 + this.below(100);
    const lines = 1 + this.below(20);
    const numbers = Array.from({ length: lines }, (_, index) => index + 1);
    const script = `for i in $(seq ${lines}); do echo "out $i ${name}"; echo "err $i ${name}" >&2; done; sleep 0.0${this.below(10)}; echo "$(hostname) ends"; exit ${status}`;
    const end = `${handle} ends\n`;
    return {
      script,
      expected: { status, stdout: numbers.map((i) => `out ${i} ${name}\n`).join('') + end, stderr: numbers.map((i) => `err ${i} ${name}\n`).join('') },
      pieces: [...numbers.flatMap((i) => [`stdout:out ${i} ${name}\n`, `stderr:err ${i} ${name}\n`]), `stdout:${end}`],
    };
  }

  async #run(client: Client, handle: string): Promise<void> {
    const { history } = this.around;
    const { script, expected, pieces } = this.#makeJob(handle);
    const open = history.begin(this.number, handle, 'none', 'run');
    const result = await this.#ask(open, client.run(handle, `id -u; ${script}`));
    if (result === undefined) return;
    // However it ended, it was begun while the container was active.
    const ended = history.answered(open, `status ${result.status}`, ['active']);
    const uid = /^\d+(?=\n)/.exec(result.stdout)?.[0];
    this.#saw(open, ended, result.info, uid);
    const seen = uid === undefined ? result : { ...result, stdout: result.stdout.slice(uid.length + 1) };
    history.jobs.push({ handle, jobId: undefined, began: open.began, expected, pieces, follows: [{ client: this.number, began: open.began, ended, outcome: 'result', result: pickResult(seen) }] });
  }

  async #spawn(client: Client, handle: string): Promise<void> {
    const { history } = this.around;
    const { script, expected, pieces } = this.#makeJob(handle);
    const open = history.begin(this.number, handle, 'none', 'spawn');
    const jobId = await this.#ask(open, client.spawn(handle, script));
    if (jobId === undefined) return;
    history.answered(open, `job ${jobId}`, ['active']);
    if (history.jobs.some((job) => job.jobId === jobId)) history.complaints.push(`job id ${jobId} was given twice`);
    history.jobs.push({ handle, jobId, began: open.began, expected, pieces, follows: [] });
  }

  async #follow(client: Client): Promise<void> {
    const { history } = this.around;
    const known = history.jobs.filter(({ jobId }) => jobId !== undefined);
    const job = known[known.length - 1 - this.below(Math.min(RECENT_JOBS, known.length))];
    if (job?.jobId === undefined) return;
    const open = history.begin(this.number, job.handle, 'none', `follow job ${job.jobId}`);
    const request = this.below(2) === 0 ? this.#link(client, job) : this.#stream(client, job);
    const answer = await request.catch((error: unknown) => error);
    const note = (outcome: Follow['outcome'], more: Partial<Follow> = {}): void => void job.follows.push({ client: this.number, began: open.began, ended: history.tick(), outcome, ...more });
    if (answer instanceof RequestError && answer.message === 'no such job') note('no such job');
    else if (answer instanceof RequestError) this.#refused(open, answer);
    else if (answer instanceof Error) {
      note('cut');
      this.#broke(open, answer);
    } else note('result', answer as Partial<Follow>);
  }

  async #link(client: Client, { handle, jobId = 0 }: KnownJob): Promise<Partial<Follow>> {
    return { result: pickResult(await client.link(handle, jobId)) };
  }

  async #stream(client: Client, { handle, jobId = 0 }: KnownJob): Promise<Partial<Follow>> {
    const { pieces, status } = await client.streamAll(handle, jobId);
    const of = (name: string): string => pieces.filter((piece) => piece.startsWith(`${name}:`)).map((piece) => piece.slice(name.length + 1)).join('');
    return { pieces, result: { status, stdout: of('stdout'), stderr: of('stderr') } };
  }
}

function pickResult({ status, stdout, stderr }: JobExpectation | JobResult): JobExpectation {
  return { status, stdout, stderr };
}
