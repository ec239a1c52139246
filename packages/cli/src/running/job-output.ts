// A job's output on the way to our own, over a connection of its own, which is made again when the server was away.
import { setTimeout as pause } from 'node:timers/promises';
import { type Address, type OutputChunk, WardenClient } from 'warden-client';
import { WardenError } from 'warden-protocol';
import { type Streams, write } from '../streams.js';
import type { Ending } from './exit-status.js';

/** A server that is restarted is back within this; and how long to wait between two tries. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 200;

export interface OutputOptions {
  readonly job: { readonly handle: string; readonly jobId: number };
  /** Undefined takes the job with its end; a number leaves it, and begins at that byte of its output. */
  readonly sinceByte?: number | undefined;
  /** Gives the reading up. */
  readonly signal: AbortSignal;
}

/** Settles when the job has ended and everything was written, with how it did. Rejects with canceled, or what the server says. */
export async function copyOutput(address: Address, streams: Streams, options: OutputOptions): Promise<Ending> {
  let written = 0;
  let lostAtMs: number | undefined;
  for (;;) {
    await using client = new WardenClient(address);
    try {
      const output = openOutput(client, options, written);
      let before = output.before;
      for await (const { name, data } of output.pieces) {
        lostAtMs = undefined;
        const known = Math.min(before, data.length);
        before -= known;
        written += data.length - known;
        await write(name === 'stderr' ? streams.stderr : streams.stdout, data.subarray(known));
      }
      return await output.pieces.result();
    } catch (reason) {
      const error = WardenError.from(reason);
      lostAtMs ??= performance.now();
      if (error.code !== 'unavailable' || performance.now() - lostAtMs > PATIENCE_MS) throw error;
      await pause(PAUSE_MS, undefined, { signal: options.signal }).catch(() => {
        throw new WardenError('canceled', 'the reading of the output was given up');
      });
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
