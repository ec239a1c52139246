/*
 * A daemon for a test file. `useServer()` at the top of the file starts one before the first test, and after every test
 * closes the test's connections, destroys its containers and scans for what they left behind. A test just creates.
 *
 * KEEP=1 in the environment keeps daemon, containers and files after a failure for a look; test/README.md tells how to
 * clean up by hand.
 */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { Client, RequestError } from './client.js';
import type { CreateOptions } from './client.js';
import { pathsOf } from './configuration.js';
import type { Paths } from './configuration.js';
import { scanForLeaks, takeBaseline } from './leaks.js';
import type { Baseline, Machine } from './leaks.js';
import { loopsBelow, mountsBelow } from './disks.js';
import { LinkMonitor } from './links.js';
import { NetworkNamespace } from './network-namespace.js';
import { deleteTable } from './nftables.js';
import { commandLine, findProcesses, readProc } from './processes.js';
import { buildRootfs } from './rootfs.js';
import type { RootfsOptions } from './rootfs.js';
import { here } from './run-program.js';
import type { Place } from './run-program.js';
import { cgroupParents, keptMark, takeSlot } from './slot.js';
import type { Slot } from './slot.js';
import { Wardend } from './wardend.js';
import type { StartOptions } from './wardend.js';
import { untilClean, untilSeen } from './wait.js';

export const KEEP = process.env['KEEP'] === '1';

export interface FixtureOptions extends StartOptions {
  readonly rootfs?: RootfsOptions;
  /** The daemon of this file runs in a network namespace of its own, whatever a later start() is given; harness/lan.ts puts it into a network. */
  readonly networkNamespace?: boolean;
  /** What the daemon keeps once it was asked for belongs to the base line: done with a container before the tests, which is destroyed. */
  readonly warmUp?: (client: Client, handle: string) => Promise<void>;
}

export class ServerFixture {
  #slot: Slot | undefined;
  readonly handles = new Set<string>();
  /** Of a file that was killed, and that somebody's mount namespace still has. */
  #loopsBefore: readonly string[] = [];
  #daemon: Wardend | undefined;
  #control: Client | undefined;
  #links: LinkMonitor | undefined;
  #baseline: Baseline | undefined;
  readonly #clients = new Set<Client>();
  #options: FixtureOptions;
  #namespace: NetworkNamespace | undefined;

  constructor(options: FixtureOptions) {
    this.#options = options;
  }

  get daemon(): Wardend {
    assert.ok(this.#daemon, 'wardend is not running');
    return this.#daemon;
  }

  get slot(): Slot {
    assert.ok(this.#slot, 'the slot is taken when the tests begin');
    return this.#slot;
  }

  get paths(): Paths { return pathsOf(this.slot); }

  /** Where the daemon runs, with `networkNamespace`. */
  get namespace(): NetworkNamespace {
    assert.ok(this.#namespace, 'useServer was not told networkNamespace');
    return this.#namespace;
  }

  /** The same, also without. */
  get place(): Place { return this.#namespace ?? here; }

  get #machine(): Machine {
    return { place: this.place, mounts: this.#namespace?.pid ?? 'self' };
  }

  /** What to start a daemon with, so that it runs where this file's daemon does. */
  #placed(options: FixtureOptions): StartOptions {
    return { ...options, prefix: [...this.#machine.place.enter, ...options.prefix ?? []] };
  }

  get links(): LinkMonitor {
    assert.ok(this.#links);
    return this.#links;
  }

  async open(): Promise<void> {
    this.#slot = await takeSlot();
    this.#loopsBefore = loopsBelow(this.#slot.directory);
    mkdirSync(this.slot.directory, { recursive: true, mode: 0o755 });
    await buildRootfs(this.paths.rootfs, this.#options.rootfs);
    if (this.#options.networkNamespace) this.#namespace = await NetworkNamespace.open();
    this.#links = new LinkMonitor(this.#machine.place);
    await this.start();
  }

  async start(options: FixtureOptions = this.#options): Promise<void> {
    this.#options = options;
    this.#daemon = await Wardend.start(this.slot, this.#placed(options));
    this.#control = await Client.connect(this.paths.socket);
    await this.#warmUp(this.#control);
    await this.noteBaseline();
  }

  /** What is there from now on is no leak. For what a file's preparation has made the daemon start for good. */
  async noteBaseline(): Promise<void> {
    this.#baseline = await takeBaseline(this.slot, this.#machine, [this.daemon.pid, this.daemon.launcherPid]);
  }

  /** What is opened at the first create and kept (the launcher's /dev/null) belongs to the base line. */
  async #warmUp(control: Client): Promise<void> {
    // A configuration under which nothing can be created is a test's own business.
    const handle = await control.create().catch(() => undefined);
    if (handle === undefined) return;
    this.handles.add(handle);
    await this.#options.warmUp?.(control, handle);
    await control.destroy(handle);
  }

  /** The running daemon ends by `signal`; returns its exit status. A test that calls this calls start() too. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.closeClients();
    const ended = this.endOf();
    this.daemon.child.kill(signal);
    return await ended;
  }

  /** The daemon's end, which the test brings about; the test's connections stay as they are. start() comes afterwards. */
  async endOf(milliseconds?: number): Promise<number | NodeJS.Signals> {
    this.#control?.close();
    this.#control = undefined;
    const status = await this.daemon.exited(milliseconds);
    this.#daemon = undefined;
    return status;
  }

  async restart(options: FixtureOptions = this.#options, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.stop(signal);
    await this.start(options);
  }

  /** A new daemon in place of one that was killed, without what start() does for the scan: for tests that kill it often. */
  async revive(): Promise<void> {
    this.closeClients();
    this.#control?.close();
    this.#daemon = await Wardend.start(this.slot, this.#placed(this.#options));
    this.#control = await Client.connect(this.paths.socket);
  }

  async connect(): Promise<Client> {
    const client = await Client.connect(this.paths.socket);
    this.#clients.add(client);
    return client;
  }

  /** A connection and a container on it. */
  async container(options: CreateOptions = {}): Promise<{ client: Client; handle: string }> {
    const client = await this.connect();
    const handle = await client.create(options);
    this.handles.add(handle);
    return { client, handle };
  }

  /** The host's ids of all processes of a container, PID 1 first. */
  async pidsOf(handle: string): Promise<number[]> {
    const control = await this.connect();
    const id = basename((await control.info(handle)).container_path);
    return findProcesses((pid) => readProc(pid, 'cgroup').includes(`/${this.slot.cgroupParent}/${id}`));
  }

  /** The command lines of all processes of a container. */
  async processesOf(handle: string): Promise<string[]> {
    return (await this.pidsOf(handle)).map(commandLine);
  }

  /** Programs that work on files of containers for somebody outside. */
  filePrograms(): number[] {
    return findProcesses((pid, command) => command === 'files' && readProc(pid, 'cgroup').includes(`/${this.slot.cgroupParent}/`));
  }

  /** Until there is none: one whose client has gone may be at work for a moment. */
  async untilFilesAreLeft(): Promise<void> {
    await untilSeen('the end of work on files', () => this.filePrograms().length === 0, () => `processes ${this.filePrograms().join(' ')}`);
  }

  closeClients(): void {
    for (const client of this.#clients) client.close();
    this.#clients.clear();
  }

  async destroyAll(): Promise<void> {
    const control = this.#control;
    if (control === undefined) return;
    for (const handle of await control.list()) {
      this.handles.add(handle);
      // Its grace time may end between the two requests.
      await control.destroy(handle).catch((error: unknown) => {
        if (!(error instanceof RequestError) || error.code !== 'not_found') throw error;
      });
    }
  }

  async scan(waitMs?: number): Promise<string[]> {
    assert.ok(this.#baseline);
    const pids = this.#daemon === undefined ? [] : [this.#daemon.pid, this.#daemon.launcherPid];
    const leaks = await scanForLeaks(
      { slot: this.slot, paths: this.paths, machine: this.#machine, pids, client: this.#control, links: this.links, handles: this.handles },
      this.#baseline, waitMs);
    this.handles.clear();
    return leaks;
  }

  async afterEach(): Promise<void> {
    if (KEEP) return;
    this.closeClients();
    await this.destroyAll();
    assert.deepEqual(await this.scan(), [], 'left behind by the test');
  }

  /** A file system goes when the last mount namespace that had it is gone: some turns after the daemon. */
  #fileSystemsLeft(): Promise<string[]> {
    const { directory } = this.slot;
    const look = (): string[] => [...mountsBelow(directory).map(({ path }) => `mount ${path}`), ...loopsBelow(directory).filter((loop) => !this.#loopsBefore.includes(loop)).map((loop) => `loop device ${loop}`)];
    return untilClean(look, () => ({ event: new Promise(setImmediate), disarm: () => {} }), 5_000);
  }

  async close(): Promise<void> {
    await this.#links?.close();
    if (KEEP) {
      writeFileSync(keptMark(this.slot.directory), '');
      process.stderr.write(`KEEP=1: wardend ${this.#daemon?.pid} and ${this.slot.directory} are left for a look\n`);
      this.#daemon?.child.unref();
      this.#control?.close();
      this.closeClients();
      return;
    }
    const status = this.#daemon === undefined ? 0 : await this.stop();
    await this.#namespace?.close();
    const left = await this.#fileSystemsLeft();
    await deleteTable(this.slot.table);
    for (const parent of cgroupParents(this.slot)) rmdirSync(parent);
    rmSync(this.slot.directory, { recursive: true, force: true });
    this.slot.release();
    assert.deepEqual(left, [], 'left behind by the daemon');
    assert.equal(status, 0, 'wardend ends with status 0 on SIGTERM');
  }
}

/**
 * Call once at the top of a test file. `prepare` runs when the server is ready, before the first test: hooks of the
 * top level all start at once in node:test, so a second before() could not rely on this one.
 */
export function useServer(options: FixtureOptions = {}, prepare: (fixture: ServerFixture) => void | Promise<void> = () => {}): ServerFixture {
  const fixture = new ServerFixture(options);
  before(async () => {
    await fixture.open();
    await prepare(fixture);
  });
  afterEach(() => fixture.afterEach());
  after(() => fixture.close());
  return fixture;
}
