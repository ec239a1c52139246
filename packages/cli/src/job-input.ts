// Standard input of `warden -- run --stdin` on its way to the job, over a connection of its own: a job that does not read
// holds up its writer, and its output must not wait for that.
import type { Readable } from 'node:stream';
import { WardenClient } from 'warden-client';
import { WardenError } from 'warden-protocol';

/** What the end of the job, or of its interest, makes of a write: no error, its exit status tells the rest. */
const HARMLESS = new Set(['wrong_state', 'not_found', 'canceled']);

/** Passes input on to its end, and ends the job's input there; settles when that is done, or the job takes no more, or `over` is aborted. */
export async function feedJob(client: WardenClient, job: { readonly handle: string; readonly jobId: number }, input: Readable, over: AbortSignal): Promise<void> {
  const writer = new WardenClient(client.address);
  // Reading from a terminal has no end otherwise.
  over.addEventListener('abort', () => input.destroy(), { once: true });
  try {
    for await (const chunk of input) await writer.writeInput({ ...job, data: chunk as Buffer }, { signal: over });
    await writer.closeInput(job, { signal: over });
  } catch (reason) {
    const error = WardenError.from(reason);
    if (!over.aborted && !HARMLESS.has(error.code)) throw error;
  } finally {
    await writer.close();
  }
}
