// Standard input of a command on its way to the job, over a connection of its own: a job that does not read holds up its
// writer, and its output must not wait for that.
import type { Readable } from 'node:stream';
import { WardenClient } from 'warden-client';
import { WardenError } from 'warden-protocol';

/** What the end of the job, or of its interest, makes of a write: no error, its exit status tells the rest. */
const HARMLESS = new Set(['wrong_state', 'not_found', 'canceled']);

/**
 * Passes input on to its end, and ends the job's input there; settles when that is done, or the job takes no more, or `over` is aborted.
 * @param pieces what of the input is passed on; all of it unless given
 */
export async function feedJob(client: WardenClient, job: { readonly handle: string; readonly jobId: number }, input: Readable, over: AbortSignal,
  pieces: (input: AsyncIterable<Buffer>) => AsyncIterable<Uint8Array> = (all) => all): Promise<void> {
  const { handle, jobId } = job;
  const writer = new WardenClient(client.address);
  // Reading from a terminal has no end otherwise.
  over.addEventListener('abort', () => input.destroy(), { once: true });
  try {
    for await (const data of pieces(input as AsyncIterable<Buffer>)) await writer.writeInput({ handle, jobId, data }, { signal: over });
    await writer.closeInput({ handle, jobId }, { signal: over });
  } catch (reason) {
    const error = WardenError.from(reason);
    if (!over.aborted && !HARMLESS.has(error.code)) throw error;
  } finally {
    await writer.close();
  }
}
