/* Who tells which packets with a certain text have arrived somewhere: test/attack/programs/witness.c. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Place } from './run-program.js';
import { withDeadline } from './wait.js';

export class Witness {
  /** Lines `PLACE PROTOCOL SOURCE TEXT`. */
  readonly #lines: string[] = [];
  readonly #child: ChildProcess;
  #wake: () => void = () => {};

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param kind every frame that comes in (`wire`), or what the firewall lets in to the place itself (`stack`) */
  static async start(program: string, place: Place, kind: 'wire' | 'stack'): Promise<Witness> {
    const [first = '', ...rest] = [...place.enter, program, kind];
    const child = spawn(first, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    if (child.stdout === null) throw new Error('a witness could not be started');
    const witness = new Witness(child);
    const lines = createInterface({ input: child.stdout });
    await withDeadline(once(lines, 'line'), 10_000, `a witness of the ${kind}`);
    lines.on('line', (line) => {
      witness.#lines.push(line);
      witness.#wake();
    });
    return witness;
  }

  /** What has arrived that was forged. */
  get forged(): string[] { return this.#lines.filter((line) => !line.includes(' mark')); }

  forget(): void { this.#lines.length = 0; }

  /** Waits for a packet with that text. */
  async sees(text: string): Promise<void> {
    await withDeadline((async () => {
      while (!this.#lines.some((line) => line.endsWith(` ${text}`))) await new Promise<void>((resolve) => { this.#wake = resolve; });
    })(), 10_000, `arrival of ${text}`);
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.stdin?.end();
    await ended;
  }
}
