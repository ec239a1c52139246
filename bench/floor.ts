/* The floor program as a child: a command a line, an answer a line (../floor.c tells which). */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { floorProgram, nativePrograms, trueProgram } from './paths.js';
import type { RootFileSystem } from './root-file-system.js';

export type Job = 'true' | 'bash';

/** Microseconds. `removal`: of the files, after the destroy. */
export interface Lifecycles {
  readonly create: number[]; readonly run: number[]; readonly destroy: number[]; readonly removal: number[];
  readonly steps: Readonly<Record<string, number[]>>;
}

export interface FloorOptions {
  readonly directory: string;
  readonly rootFileSystem: RootFileSystem;
  /** Containers that live beside the measured ones. */
  readonly live?: number;
}

export class Floor {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;

  constructor({ directory, rootFileSystem, live = 0 }: FloorOptions) {
    const binds = rootFileSystem.mounts.flatMap(({ source, destination }) => ['--bind', `${source}:${destination}`]);
    this.#child = spawn(floorProgram, [
      '--depot', directory, '--lower', rootFileSystem.directory, '--true', trueProgram, '--seccomp', `${nativePrograms}/seccomp.bpf`,
      '--live', String(live), ...binds,
    ], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#child.stdout === null) throw new Error(`${floorProgram} could not be started`);
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  async #ask(command: string): Promise<unknown> {
    this.#child.stdin?.write(`${command}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`the floor program ended instead of answering: ${command}`);
    return JSON.parse(value as string) as unknown;
  }

  /** Creates, runs a job, destroys, `count` times, with a pause before each. */
  async lifecycles(count: number, job: Job, spacingMs = 0): Promise<Lifecycles> {
    return await this.#ask(`lifecycle ${count} ${spacingMs * 1000} ${job}`) as Lifecycles;
  }

  /** Jobs in one container; timed: vfork to wait of bash as PID 1 sees it. */
  async runs(count: number, job: Job | 'timed'): Promise<number[]> {
    return (await this.#ask(`runs ${count} 0 ${job}`) as { run: number[] }).run;
  }

  /** vfork, exec and wait of bash on the host, with `true` on its standard input. */
  async bash(count: number, standardInput: 'memfd' | 'pipe'): Promise<number[]> {
    return (await this.#ask(`bash ${count} ${standardInput}`) as { run: number[] }).run;
  }

  /** Lifecycles per second. */
  async cyclesPerSecond(workers: number, milliseconds: number, job: Job): Promise<number> {
    const { cycles, seconds } = await this.#ask(`cycles ${workers} ${milliseconds} ${job}`) as { cycles: number; seconds: number };
    return cycles / seconds;
  }

  /** Requests to the kernel that need RTNL, and others that do not, in turns, while others work. */
  async rtnl(milliseconds: number): Promise<{ readonly free: number[]; readonly locked: number[] }> {
    return await this.#ask(`rtnl ${milliseconds}`) as { free: number[]; locked: number[] };
  }

  /** extended: with a seccomp filter and with files in the upper layer, as the product has them. */
  async variant(name: 'plain' | 'extended'): Promise<void> {
    await this.#ask(`variant ${name}`);
  }

  async close(): Promise<void> {
    const ended = this.#child.exitCode !== null || this.#child.signalCode !== null ? undefined : once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }
}
