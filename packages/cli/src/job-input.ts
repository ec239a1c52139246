// Standard input of a command on its way to the job, over a connection of its own: a job that does not read holds up its
// writer, and its output must not wait for that. A server that is away is waited for. Whether what was on its way when a
// connection broke has arrived nobody knows: keys of a terminal are typed again, any other input has ended then.
import type { Readable } from 'node:stream';
import { WardenClient } from 'warden-client';
import { WardenError } from 'warden-protocol';
import { Outage } from './outage.js';

/** What the end of the job, or of its interest, makes of a write: no error, its exit status tells the rest. */
const HARMLESS = new Set(['wrong_state', 'not_found', 'canceled']);

export interface FeedOptions {
  /** A piece that is lost is no reason to end. */
  readonly isTerminal?: boolean | undefined;
  /** What of the input is passed on; all of it unless given. */
  readonly pieces?: ((input: AsyncIterable<Buffer>) => AsyncIterable<Uint8Array>) | undefined;
}

/** Passes input on to its end, and ends the job's input there; settles when that is done, or the job takes no more, or `over` is aborted. Rejects with what has cut the input off. */
export async function feedJob(client: WardenClient, job: { readonly handle: string; readonly jobId: number }, input: Readable, over: AbortSignal, { isTerminal = false, pieces = (all) => all }: FeedOptions = {}): Promise<void> {
  const { handle, jobId } = job;
  const writer = new WardenClient(client.address, { traceparent: client.traceparent });
  // Reading from a terminal has no end otherwise.
  over.addEventListener('abort', () => input.destroy(), { once: true });
  try {
    for await (const data of pieces(input as AsyncIterable<Buffer>)) {
      await connected(writer, over);
      await writer.writeInput({ handle, jobId, data }, { signal: over }).catch((reason: unknown) => {
        if (!isTerminal || WardenError.from(reason).code !== 'unavailable') throw reason;
      });
    }
    await connected(writer, over);
    await writer.closeInput({ handle, jobId }, { signal: over });
  } catch (reason) {
    const error = WardenError.from(reason);
    if (!over.aborted && !HARMLESS.has(error.code)) throw error;
  } finally {
    await writer.close();
  }
}

async function connected(writer: WardenClient, signal: AbortSignal): Promise<void> {
  const outage = new Outage();
  while (!writer.connected) {
    try {
      await writer.connect();
    } catch (reason) {
      await outage.wait(reason, signal);
    }
  }
}
