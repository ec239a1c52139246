// A job's output on the way to our own, over a connection of its own, which is made again when the server was away.
import { type OutputChunk, WardenClient } from 'warden-client';
import { Outage } from '../outage.js';
import { type Streams, write } from '../streams.js';
import type { Ending } from './exit-status.js';

export interface OutputOptions {
  readonly job: { readonly handle: string; readonly jobId: number };
  /** Undefined takes the job with its end; a number leaves it, and begins at that byte of its output. */
  readonly sinceByte?: number | undefined;
  /** Gives the reading up. */
  readonly signal: AbortSignal;
}

/** Settles when the job has ended and everything was written, with how it did. Rejects with canceled, or what the server says. */
export async function copyOutput({ address, traceparent }: Pick<WardenClient, 'address' | 'traceparent'>, streams: Streams, options: OutputOptions): Promise<Ending> {
  const outage = new Outage();
  let written = 0;
  for (;;) {
    await using client = new WardenClient(address, { traceparent });
    try {
      const output = openOutput(client, options, written);
      let before = output.before;
      for await (const { name, data } of output.pieces) {
        outage.end();
        const known = Math.min(before, data.length);
        before -= known;
        written += data.length - known;
        await write(name === 'stderr' ? streams.stderr : streams.stdout, data.subarray(known));
      }
      return await output.pieces.result();
    } catch (reason) {
      await outage.wait(reason, options.signal);
    }
  }
}

interface Output {
  readonly pieces: AsyncIterable<OutputChunk> & { result(): Promise<Ending> };
  /** Bytes at the beginning that were written before. */
  readonly before: number;
}

/** A stream begins with the job's first byte. */
function openOutput(client: WardenClient, { job, sinceByte, signal }: OutputOptions, written: number): Output {
  return sinceByte === undefined
    ? { pieces: client.stream(job, { signal }), before: written }
    : { pieces: client.logs({ ...job, sinceByte: sinceByte + written, follow: true }, { signal }), before: 0 };
}
