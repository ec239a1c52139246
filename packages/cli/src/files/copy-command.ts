// copy_in and copy_out: as other requests, with what is done so far on a terminal.
import { type CopyCounts, messageTypes, type RequestOf, type Type, WardenError } from 'warden-protocol';
import type { CommandContext } from '../commands.js';
import { printedFields } from '../print.js';
import { Progress } from '../progress.js';
import { write } from '../streams.js';

const MIB = 1024 * 1024;

/** Prints the counts at the end; rejects with the copy's error. */
export async function runCopy(type: Type.CopyIn | Type.CopyOut, request: RequestOf<typeof type>, { client, streams, signal }: CommandContext): Promise<number> {
  const shown = new Progress(streams.stderr);
  const wishes = { ...request, progress: request.progress ?? streams.stderr.isTTY === true };
  try {
    const response = await client.requestEach(type, wishes, ({ progress }) => {
      if (progress !== undefined) shown.note(sentenceOf(progress));
    }, signal === undefined ? undefined : { signal });
    shown.clear();
    await write(streams.stdout, printedFields(messageTypes[type].response, response));
    return 0;
  } catch (reason) {
    shown.clear();
    throw WardenError.from(reason);
  }
}

function sentenceOf({ made = 0n, bytes = 0n, skipped = 0n }: CopyCounts): string {
  const left = skipped === 0n ? '' : `, ${skipped} left out`;
  return `${made} entries, ${(Number(bytes) / MIB).toFixed(1)} MiB${left}`;
}
