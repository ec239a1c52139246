/*
 * A daemon of plain processes (container_klass: Insecure) for a test file, which runs as a user without rights, as it is meant to. It has nothing that the leak scan of
 * other files looks for, so after every test this looks for its own: processes of that user that have to do with its directory, and files in the depot.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { Client, RequestError } from './client.js';
import { wardendProgram } from './paths.js';
import { plainCommand, plainUser } from './plain-user.js';
import { commandLine, findProcesses, readProc } from './processes.js';
import { nextEvent, untilClean, withDeadline } from './wait.js';

const READY_MS = 15_000;
const EXIT_MS = 15_000;
const CLEAN_MS = 5_000;

export class PlainServer {
  #directory = '';
  #child: ChildProcess | undefined;
  readonly #clients = new Set<Client>();

  constructor(private readonly settings: readonly string[]) {}

  /** The user's own; depot, socket and log are in it. */
  get directory(): string { return this.#directory; }
  get socket(): string { return join(this.#directory, 'warden.sock'); }
  get depot(): string { return join(this.#directory, 'depot'); }
  get log(): string { return readFileSync(join(this.#directory, 'log'), 'utf8'); }

  get pid(): number {
    assert.ok(this.#child?.pid !== undefined, 'wardend is not running');
    return this.#child.pid;
  }

  open(): void {
    this.#directory = mkdtempSync('/var/tmp/warden-plain-');
    chownSync(this.#directory, plainUser, plainUser);
  }

  /** Of another daemon on the same directory, too. */
  spawn(settings: readonly string[] = []): ChildProcess {
    const all = ['server.container_klass=Insecure', `server.container_depot_path=${this.depot}`, `server.unix_domain_path=${this.socket}`, 'health_check_server.port=0', ...this.settings, ...settings];
    const log = openSync(join(this.#directory, 'log'), 'a', 0o644);
    // No environment of ours: what a job sees has to be the server's choice.
    const { program, args, identity } = plainCommand(wardendProgram, all.flatMap((setting) => ['--set', setting]));
    const child = spawn(program, args, { stdio: ['ignore', log, log], ...identity, cwd: '/', env: { PATH: process.env['PATH'], LANG: 'C.UTF-8', SECRET: 'of the server' } });
    closeSync(log);
    return child;
  }

  /** @param settings besides those of the file */
  async start(settings: readonly string[] = []): Promise<void> {
    const watcher = watch(this.#directory);
    this.#child = this.spawn(settings);
    const ended = once(this.#child, 'exit').then(
      ([status, signal]) => { throw new Error(`wardend ended with ${status ?? signal} before it was ready:\n${this.log}`); },
      (error: unknown) => { throw new Error(`user ${plainUser} cannot execute ${wardendProgram}: its files have to be readable for others (umask 022)`, { cause: error }); },
    );
    ended.catch(() => undefined);
    try {
      await withDeadline(Promise.race([this.#firstAnswer(watcher), ended]), READY_MS, `wardend ready (log: ${this.#directory}/log)`);
    } finally {
      watcher.close();
    }
  }

  async #firstAnswer(watcher: ReturnType<typeof watch>): Promise<void> {
    for (;;) {
      const changed = once(watcher, 'change');
      try {
        const client = await Client.connect(this.socket);
        await client.ping();
        client.close();
        return;
      } catch {
        await changed;
      }
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    assert.ok(this.#child);
    this.closeClients();
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    const [status, by] = await withDeadline(exited, EXIT_MS, 'end of wardend');
    return (status ?? by) as number | NodeJS.Signals;
  }

  async restart(settings: readonly string[] = []): Promise<void> {
    await this.stop();
    await this.start(settings);
  }

  async connect(): Promise<Client> {
    const client = await Client.connect(this.socket);
    this.#clients.add(client);
    return client;
  }

  async container(handle?: string): Promise<{ client: Client; handle: string; directory: string; home: string }> {
    const client = await this.connect();
    const made = await client.create(handle === undefined ? {} : { handle });
    const directory = (await client.info(made)).container_path;
    return { client, handle: made, directory, home: `${directory}/rootfs/home/vcap` };
  }

  /** All that run because of a container, monitors and wshd too. */
  processes(): number[] {
    return findProcesses((pid, command) => pid !== this.#child?.pid && !command.includes('bin/wardend') && (command.includes(`${this.depot}/`) || readProc(pid, 'environ').includes(`${this.depot}/`)));
  }

  closeClients(): void {
    for (const client of this.#clients) client.close();
    this.#clients.clear();
  }

  async afterEach(): Promise<void> {
    this.closeClients();
    const client = await Client.connect(this.socket);
    try {
      await this.#destroyAll(client);
    } finally {
      client.close();
    }
  }

  /** Of the server: nothing may be left of them. */
  async #destroyAll(client: Client): Promise<void> {
    for (const handle of await client.list()) {
      await client.destroy(handle).catch((error: unknown) => {
        if (!(error instanceof RequestError) || error.code !== 'not_found') throw error;
      });
    }
    const roundTrip = () => ({ event: client.ping().catch(() => undefined), disarm: () => {} });
    assert.deepEqual(await untilClean(() => this.processes().map((pid) => `process ${pid}: ${commandLine(pid)}`), roundTrip, CLEAN_MS), [], 'left behind by the test');
    const files = (): string[] => ['containers', 'trash'].flatMap((name) => readdirSync(join(this.depot, name)));
    const watcher = watch(join(this.depot, 'trash'));
    try {
      assert.deepEqual(await untilClean(files, () => nextEvent(watcher, 'change'), CLEAN_MS), [], 'files left behind by the test');
    } finally {
      watcher.close();
    }
  }

  async close(): Promise<void> {
    try {
      // One that could not be executed has no end.
      if (this.#child?.pid !== undefined) assert.equal(await this.stop(), 0, 'wardend ends with status 0 on SIGTERM');
    } finally {
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }

  /** A directory of the user's, beside the depot. */
  makeDirectory(name: string): string {
    const path = join(this.#directory, name);
    mkdirSync(path);
    chownSync(path, plainUser, plainUser);
    return path;
  }
}

/** Call once at the top of a test file. @param settings KEY=VALUE of the configuration */
export function usePlainServer(settings: readonly string[] = []): PlainServer {
  const server = new PlainServer(settings);
  before(async () => {
    server.open();
    await server.start();
  });
  afterEach(() => server.afterEach());
  after(() => server.close());
  return server;
}
