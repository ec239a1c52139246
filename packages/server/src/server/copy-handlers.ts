/** Handlers of the requests that copy files. */
import { encodeResponse, Type, type Init, type CopyCounts as WireCopyCounts, type RequestOf } from 'warden-protocol';
import type { Container } from '../container/container.js';
import type { Containers } from '../container/containers.js';
import { copyFiles, type CopyCounts, type CopyResult } from '../container/copy.js';
import type { Call } from './call.js';
import type { Handlers } from './handlers.js';

type CopyType = Type.CopyIn | Type.CopyOut;

/** @param named finds the container of a request, to which the connection refers from then on */
export function makeCopyHandlers(containers: Containers, named: (call: Call, handle: string) => Container): Pick<Handlers, CopyType> {
  async function copy(type: CopyType, call: Call, { handle, progress, ...request }: RequestOf<CopyType>) {
    let room = true;
    const report = (counts: CopyCounts): void => {
      // For a client that reads too slowly nobody waits: what it misses is told by the next.
      if (progress === true && room && !call.gone) room = call.sendParts([encodeResponse(type, { progress: wireCounts(counts) })]);
    };
    call.onWritable(() => {
      room = true;
    });
    const listener = { progress: report, onGone: (callback: () => void) => call.onGone(callback) };
    return wireResult(await copyFiles(containers, named(call, handle), type === Type.CopyIn ? 'in' : 'out', request, listener));
  }

  return {
    [Type.CopyIn]: (call, request) => copy(Type.CopyIn, call, request),
    [Type.CopyOut]: (call, request) => copy(Type.CopyOut, call, request),
  };
}

function wireCounts({ entries, bytes, skipped }: CopyCounts): Init<WireCopyCounts> {
  return { made: entries, bytes, ...(skipped > 0n && { skipped }) };
}

function wireResult({ skippedPaths, ...counts }: CopyResult): Init<WireCopyCounts> & { readonly skippedPaths: readonly string[] } {
  return { ...wireCounts(counts), skippedPaths };
}
