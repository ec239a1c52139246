// `warden` in a test: its streams, its terminal and its signals are the test's.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { main } from './main.js';
import type { Signals } from './process-signals.js';

/** The program, and what a person at its terminal can do. */
export class Program {
  readonly stdin = Object.assign(new PassThrough(), { isTTY: false, rawModes: [] as boolean[], setRawMode(isRaw: boolean) { this.rawModes.push(isRaw); } });
  readonly stdout = Object.assign(new PassThrough({ highWaterMark: 1 << 26 }), { isTTY: false, columns: 100, rows: 30 });
  readonly stderr = new PassThrough();
  readonly status: Promise<number>;
  #output = '';
  readonly #listeners = new Set<(signal: NodeJS.Signals) => void>();

  constructor(socketPath: string, argv: readonly string[], { tty = false, environment = {}, input }: { tty?: boolean; environment?: Record<string, string>; input?: string } = {}) {
    this.stdin.isTTY = this.stdout.isTTY = tty;
    this.stdout.on('data', (chunk: Buffer) => { this.#output += chunk.toString('latin1'); });
    if (input !== undefined) this.stdin.end(input);
    const signals: Signals = { listen: (listener) => {
      this.#listeners.add(listener);
      return () => void this.#listeners.delete(listener);
    } };
    this.status = main(argv, { stdin: this.stdin, stdout: this.stdout, stderr: this.stderr }, { WARDEN_SOCKET: socketPath, ...environment }, signals);
  }

  send(signal: NodeJS.Signals): void {
    for (const listener of [...this.#listeners]) listener(signal);
  }

  /** Whether a signal would be taken; otherwise it ends the program. */
  get listening(): boolean {
    return this.#listeners.size > 0;
  }

  /** Settles when standard output holds the text, from its beginning on. */
  async shows(text: string): Promise<void> {
    while (!this.#output.includes(text)) await once(this.stdout, 'data');
  }

  /** Exit status and output: standard output as bytes, standard error as text. */
  async end(): Promise<{ status: number; stdout: string; stderr: string }> {
    const status = await this.status;
    assert.equal(this.#listeners.size, 0, 'nobody listens to signals any more');
    this.stdout.end();
    await finished(this.stdout);
    return { status, stdout: this.#output, stderr: (this.stderr.read() as Buffer | null)?.toString() ?? '' };
  }
}

/** Something that a test waits for, or lets happen. */
export function gate(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => { resolve = done; });
  return { promise, resolve };
}
