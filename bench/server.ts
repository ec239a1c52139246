/* A wardend of the run's own: depot, socket, cgroups, nftables table and pools that nobody else uses. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WardenClient } from 'warden-client';
import { groupsNamed, removeTree } from './groups.js';
import { wardendProgram } from './paths.js';
import { runName, startOf } from './run-name.js';

const START_MS = 20_000;
const EXIT_MS = 20_000;
/** More than any measured output. */
const OUTPUT_LIMIT = 64 * 1024 ** 3;

/** Of a run with this name, in the families inet and arp. */
export function tableOf(name: string): string {
  return name.replaceAll('-', '_');
}

/** Whether a command line is that of a wardend with this file for a configuration. */
export function isWardendWith(configuration: string, words: readonly string[]): boolean {
  return words.some((word) => word.endsWith('/wardend')) && words.some((word, index) => word === '--config' && words[index + 1] === configuration);
}

function processesWith(configuration: string): number[] {
  const words = (pid: number): string[] => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    } catch {
      return []; // it has ended meanwhile
    }
  };
  return readdirSync('/proc').map(Number).filter((pid) => pid > 0 && pid !== process.pid && isWardendWith(configuration, words(pid)));
}

export class Server {
  readonly socket: string;
  readonly #directory: string;
  readonly #rootfs: string;
  readonly #programs: string;
  readonly #name: string;
  #child: ChildProcess | undefined;
  #healthPort = 0;
  #poolSize = 0;

  /** @param name of the run: of its cgroups and tables */
  constructor(directory: string, rootfs: string, programs: string, name = runName) {
    this.#directory = directory;
    this.#name = name;
    this.#rootfs = rootfs;
    this.#programs = programs;
    this.socket = `${directory}/warden.sock`;
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('wardend is not running');
    return this.#child.pid;
  }

  /** From the next start on the daemon tells its figures, for eventLoopDelay. */
  async watch(): Promise<void> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    this.#healthPort = (listener.address() as AddressInfo).port;
    listener.close();
    await once(listener, 'close');
  }

  /** @returns milliseconds that the event loop was late at most, by the daemon's own account, since the last time this was asked */
  async eventLoopDelay(): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#healthPort}/metrics`)).text();
    return Number(/^warden_event_loop_delay_seconds\{quantile="1"\} (\S+)$/m.exec(text)?.[1]) * 1000;
  }

  /** From now on that many containers are made in advance. Settles when they are there, or gone; needs watch(). */
  async pool(size: number): Promise<void> {
    this.#poolSize = size;
    writeFileSync(`${this.#directory}/warden.yml`, this.#configuration());
    this.#child?.kill('SIGHUP');
    await this.untilPoolIsFull();
    const begin = performance.now();
    while (size === 0 && readdirSync(`${this.#directory}/depot/containers`).length > 0) await this.#pause('the pool is not empty', begin);
  }

  /** @returns milliseconds that it took */
  async untilPoolIsFull(): Promise<number> {
    const begin = performance.now();
    for (;;) {
      const text = await (await fetch(`http://127.0.0.1:${this.#healthPort}/metrics`)).text();
      const waiting = Number(/^warden_waiting_containers\{rootfs="[^"]*"\} (\d+)$/m.exec(text)?.[1] ?? 0);
      if (waiting >= this.#poolSize) return performance.now() - begin;
      await this.#pause('the pool is not full', begin);
    }
  }

  async #pause(what: string, begin: number): Promise<void> {
    if (performance.now() - begin > START_MS) throw new Error(`${what} after ${START_MS / 1000} s:\n${this.#lastLines()}`);
    await sleep(2);
  }

  #configuration(): string {
    return JSON.stringify({
      server: {
        unix_domain_path: this.socket, container_depot_path: `${this.#directory}/depot`, container_rootfs_path: this.#rootfs,
        cgroup_parent: this.#name, programs_path: this.#programs, job_output_limit: OUTPUT_LIMIT,
      },
      health_check_server: { port: this.#healthPort },
      // One line at the end of the run, none for a request: as in production.
      logging: { level: 'info', file: `${this.#directory}/wardend.log` },
      network: { pool_network: '10.250.0.0/16', table: tableOf(this.#name), release_delay: 0 },
      pool: { size: this.#poolSize },
      user: { pool_start_uid: 40_000, pool_size: 1_100, pool_start_subuid: 0xa000_0000 },
    });
  }

  /** Ends the wardend of a run that was killed, which has outlived it and would be measured instead of ours. What it has is destroyed by ours. */
  async endLeftover(): Promise<void> {
    const begin = performance.now();
    for (const pid of processesWith(`${this.#directory}/warden.yml`)) {
      const started = startOf(pid);
      if (started === undefined) continue;
      process.kill(pid, 'SIGTERM');
      while (startOf(pid) === started) {
        if (performance.now() - begin > EXIT_MS) throw new Error(`wardend of a run that was killed, process ${pid}, does not end within ${EXIT_MS / 1000} s: end it and try again`);
        await sleep(2);
      }
    }
  }

  /**
   * @param environment added to ours
   * @returns milliseconds until the first answered ping
   */
  async start(environment: NodeJS.ProcessEnv = {}): Promise<number> {
    const configuration = `${this.#directory}/warden.yml`;
    writeFileSync(configuration, this.#configuration());
    const log = openSync(`${this.#directory}/wardend.stderr`, 'a', 0o644);
    const begin = performance.now();
    const child = spawn(wardendProgram, ['--config', configuration], { stdio: ['ignore', log, log], env: { ...process.env, ...environment } });
    closeSync(log);
    this.#child = child;
    for (;;) {
      const client = await WardenClient.connect({ path: this.socket }).catch(() => undefined);
      if (client !== undefined) {
        await client.ping();
        await client.close();
        return performance.now() - begin;
      }
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`wardend ended before it was ready:\n${this.#lastLines()}`);
      if (performance.now() - begin > START_MS) throw new Error(`wardend was not ready within ${START_MS / 1000} s:\n${this.#lastLines()}`);
      await sleep(2);
    }
  }

  #lastLines(): string {
    return ['wardend.stderr', 'wardend.log'].map((name) => `${this.#directory}/${name}`).filter((path) => existsSync(path))
      .flatMap((path) => readFileSync(path, 'utf8').trim().split('\n').slice(-10)).join('\n');
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), EXIT_MS);
    await exited;
    clearTimeout(timer);
  }

  async destroyAll(): Promise<void> {
    const client = await WardenClient.connect({ path: this.socket });
    try {
      for (const handle of (await client.list()).handles) await client.destroy({ handle });
    } finally {
      await client.close();
    }
  }

  /** Ends the daemon and removes what a daemon leaves on purpose: its tables and its empty parent groups. */
  async remove(): Promise<void> {
    if (this.#child !== undefined) await this.destroyAll();
    await this.end('SIGTERM');
    for (const family of ['inet', 'arp']) spawnSync('nft', ['delete', 'table', family, tableOf(this.#name)], { stdio: 'ignore' });
    for (const group of groupsNamed(this.#name)) removeTree(group);
  }
}
