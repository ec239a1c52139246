/**
 * The output of a job on its way into a reply. Up to a bound it is kept; of more than that only the lengths are, and the
 * output is read from the monitor when the reply is sent. So a slow client costs the server a bounded amount.
 */
import type { OutputSink, OutputStream } from '../host/monitor.js';

export class CollectedOutput implements OutputSink {
  readonly #pieces: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };
  readonly #lengths: Record<OutputStream, number> = { stdout: 0, stderr: 0 };

  /** @param keepInBytes how much is kept, of both streams together */
  constructor(private readonly keepInBytes: number) {}

  output(stream: OutputStream, data: Buffer): boolean {
    this.#lengths[stream] += data.length;
    this.#pieces[stream].push(data);
    if (!this.isWhole) this.#pieces.stdout = this.#pieces.stderr = [];
    return true;
  }

  passedOver(stdout: number, stderr: number): void {
    this.#lengths.stdout = stdout;
    this.#lengths.stderr = stderr;
    this.#pieces.stdout = this.#pieces.stderr = [];
  }

  /** Whether everything was kept. */
  get isWhole(): boolean {
    return this.#lengths.stdout + this.#lengths.stderr <= this.keepInBytes;
  }

  lengthOf(stream: OutputStream): number {
    return this.#lengths[stream];
  }

  /** A stream's whole output; only of use when isWhole. */
  get(stream: OutputStream): Buffer {
    const pieces = this.#pieces[stream];
    const [first] = pieces;
    return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
  }
}
