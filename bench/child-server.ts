/* One of the small servers of this folder in a process of its own. It ends when its standard input does, so with us. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { compiled } from './paths.js';

export class ChildServer {
  readonly path: string;
  readonly #child: ChildProcess;

  private constructor(path: string, child: ChildProcess) {
    this.path = path;
    this.#child = child;
  }

  static async start(program: 'echo-server' | 'copy-server' | 'copy-and-echo-server', path: string, ...args: readonly string[]): Promise<ChildServer> {
    rmSync(path, { force: true });
    const child = spawn(process.execPath, [`${compiled}/${program}.js`, path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => { throw new Error(`${program} ended before it was ready`); })]);
    return new ChildServer(path, child);
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await exited;
    rmSync(this.path, { force: true });
  }
}
