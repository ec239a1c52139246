/**
 * A run's or link's reply whose output is too large to be kept: its lengths came with the job's end, the output is read from
 * the monitor, one stream after the other, and goes to the client as fast as that reads.
 */
import { encodeResultAround, type Type, WardenError, type ResponseInit } from 'warden-protocol';
import type { CollectedOutput } from '../container/collected-output.js';
import type { Container, Job } from '../container/container.js';
import { replayOutput } from '../container/replay.js';
import type { Call } from './call.js';

export type ResultType = Type.Run | Type.Link;

/** What is left to be written of a reply that was sent in parts. */
export class RestOfReply {
  constructor(readonly parts: Uint8Array[]) {}
}

/** @throws when the output can no longer be read in full: the connection, in the middle of a frame, is of no use then */
export async function sendLargeResult(call: Call, type: ResultType, response: ResponseInit<ResultType>, container: Container, job: Job, output: CollectedOutput): Promise<RestOfReply> {
  const around = encodeResultAround(type, response, output.lengthOf('stdout'), output.lengthOf('stderr'));
  call.sendParts([around.beforeStdout]);
  try {
    await sendStream(call, container, job, 'stdout', output.lengthOf('stdout'));
    call.sendParts([around.beforeStderr]);
    await sendStream(call, container, job, 'stderr', output.lengthOf('stderr'));
  } catch (error) {
    call.breakOff();
    throw error;
  }
  return new RestOfReply([around.end]);
}

async function sendStream(call: Call, container: Container, job: Job, stream: 'stdout' | 'stderr', expected: number): Promise<void> {
  if (expected === 0) return;
  let sent = 0;
  const replay = await replayOutput(container, job, stream, (data, release) => {
    sent += data.length;
    // More than was announced would be taken for the next frame.
    if (sent > expected) return false;
    return call.sendParts([data], release);
  });
  call.onInterrupt(() => replay.close());
  call.onWritable(() => replay.resume());
  await replay.ended;
  if (sent !== expected) throw new WardenError('internal', `${stream} of job ${job.id} had ${expected} bytes, and ${sent} when it was read again`);
}
