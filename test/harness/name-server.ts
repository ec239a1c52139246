/* A name server in a network namespace, in a process of its own: a test says which names there are, and sees what was asked. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Place } from './run-program.js';
import { withDeadline } from './wait.js';

const program = fileURLToPath(new URL('./zone-server.js', import.meta.url));

/** By name, in lower case; `*.example.com` is every name with one label more. */
export type Zone = Readonly<Record<string, { readonly addresses?: readonly string[]; readonly alias?: string; readonly ttl?: number }>>;

export interface Asked { readonly protocol: string; readonly name: string; readonly type: number }

export class NameServer {
  readonly asked: Asked[] = [];
  readonly #child: ChildProcess;
  #said: () => void = () => {};

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(place: Place, address: string): Promise<NameServer> {
    const [first = '', ...rest] = [...place.enter, process.execPath, program, address];
    const child = spawn(first, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    if (child.stdout === null) throw new Error('the name server could not be started');
    const server = new NameServer(child);
    const ready = new Promise<void>((resolve) => { server.#said = resolve; });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as Asked | string;
      if (typeof said === 'string') server.#said();
      else server.asked.push(said);
    });
    await withDeadline(ready, 10_000, `a name server on ${address}`);
    return server;
  }

  /** From now on these names exist, and nothing has been asked. */
  async serve(zone: Zone): Promise<void> {
    const served = new Promise<void>((resolve) => { this.#said = resolve; });
    this.#child.stdin?.write(`${JSON.stringify(zone)}\n`);
    await withDeadline(served, 10_000, 'a zone');
    this.asked.length = 0;
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
