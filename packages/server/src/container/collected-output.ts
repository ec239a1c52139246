/**
 * The whole output of a job, for replies that carry it. The monitor kills a job that writes more than job_output_limit; one
 * with discard_output may write without end, and nothing of it is kept.
 */
import type { OutputSink, OutputStream } from '../host/monitor.js';

export class CollectedOutput implements OutputSink {
  readonly #pieces: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };

  #room: number;

  /** @param limitInBytes what is beyond is dropped */
  constructor(limitInBytes: number) {
    this.#room = limitInBytes;
  }

  output(stream: OutputStream, data: Buffer): boolean {
    this.#room -= data.length;
    if (this.#room < 0) return true;
    this.#pieces[stream].push(data);
    return true;
  }

  get(stream: OutputStream): Buffer {
    const pieces = this.#pieces[stream];
    const [first] = pieces;
    return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
  }
}
