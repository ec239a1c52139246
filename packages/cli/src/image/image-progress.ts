// How far a pull or an import is, as one bar for all layers together.
import type { ImageProgress, ProgressOptions } from 'warden-client';
import type { CommandContext } from '../commands.js';
import { printable } from '../print.js';
import { Progress, type ProgressOutput } from '../progress.js';

/** What of a layer's way its fetching is; the rest is its extraction. */
const FETCHED = 0.7;
const MIB = 1024 * 1024;

interface Layer {
  readonly done: number;
  readonly step: string;
  readonly doneBytes: bigint;
}

export class ImageProgressBar {
  readonly #progress: Progress;
  readonly #isTerminal: boolean;
  readonly #layers = new Map<string, Layer>();
  #total = 0;

  constructor(output: ProgressOutput) {
    this.#progress = new Progress(output);
    this.#isTerminal = output.isTTY === true;
  }

  show({ item = '', step = '', doneBytes = 0n, totalBytes, layers }: ImageProgress): void {
    if (step === 'resolving') {
      this.#progress.show(0, `looking up ${printable(item)}`);
      return;
    }
    const before = this.#layers.get(item);
    const part = totalBytes === undefined || totalBytes === 0n ? 0 : Math.min(1, Number(doneBytes) / Number(totalBytes));
    const done = step === 'downloading' ? part * FETCHED : step === 'extracting' ? FETCHED + part * (1 - FETCHED) : step === 'waiting' ? 0 : 1;
    this.#layers.set(item, { done: Math.max(done, before?.done ?? 0), step, doneBytes: step === 'downloading' ? doneBytes : before?.doneBytes ?? 0n });
    this.#total = Math.max(this.#total, layers ?? 0, this.#layers.size);
    // Without a terminal a line for each layer is enough.
    if (this.#isTerminal || (done === 1 && before?.done !== 1)) this.#draw(printable(step));
  }

  clear(): void {
    this.#progress.clear();
  }

  #draw(step: string): void {
    const all = [...this.#layers.values()];
    const ready = all.filter(({ done }) => done === 1).length;
    const fetched = Number(all.reduce((sum, { doneBytes }) => sum + doneBytes, 0n)) / MIB;
    this.#progress.show(all.reduce((sum, { done }) => sum + done, 0) / this.#total, `${ready} of ${this.#total} layers, ${fetched.toFixed(1)} MiB, ${step}`);
  }
}

/** Does something about an image, with a bar on standard error meanwhile. */
export async function withBar<Result>({ streams: { stderr }, signal }: Pick<CommandContext, 'streams' | 'signal'>, work: (options: ProgressOptions) => Promise<Result>): Promise<Result> {
  const bar = new ImageProgressBar(stderr);
  try {
    return await work({ signal, onProgress: (progress) => bar.show(progress) });
  } finally {
    bar.clear();
  }
}
