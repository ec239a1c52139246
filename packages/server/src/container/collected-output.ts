/** The whole output of a job, for replies that carry it. Bounded by job_output_limit, which the monitor enforces. */
import type { OutputSink, OutputStream } from '../host/monitor.js';

export class CollectedOutput implements OutputSink {
  readonly #pieces: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };

  output(stream: OutputStream, data: Buffer): boolean {
    this.#pieces[stream].push(data);
    return true;
  }

  get(stream: OutputStream): Buffer {
    const pieces = this.#pieces[stream];
    const [first] = pieces;
    return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
  }
}
