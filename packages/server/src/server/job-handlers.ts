/** Handlers of what can be done with a job besides waiting for it: its input, terminal and signals, lists of jobs, and logs. */
import { encodeLogs, Type, type WardenError } from 'warden-protocol';
import type { Container } from '../container/container.js';
import type { Containers } from '../container/containers.js';
import { resizeTerminal, signalJob, writeInput } from '../container/job-control.js';
import { endingDetailsOf, exitStatusOf } from '../container/job-ending.js';
import { listJobs } from '../container/job-listing.js';
import { readLogs } from '../container/logs.js';
import type { Call } from './call.js';
import type { Handlers } from './handlers.js';

type JobRequests = Type.Input | Type.Resize | Type.Signal | Type.Jobs | Type.Logs;

/** @param named finds the container of a request, to which the connection refers from then on */
export function makeJobHandlers(containers: Containers, named: (call: Call, handle: string) => Container): Pick<Handlers, JobRequests> {
  return {
    [Type.Input]: async (call, { handle, jobId, data, close }) => {
      const write = writeInput(containers, named(call, handle), jobId, data ?? new Uint8Array(), close ?? false);
      await unlessInterrupted(call, write.taken, () => write.giveUp());
      return {};
    },
    [Type.Resize]: async (call, { handle, jobId, rows, columns }) => {
      await resizeTerminal(containers, named(call, handle), jobId, rows, columns);
      return {};
    },
    [Type.Signal]: async (call, { handle, jobId, signal }) => {
      await signalJob(containers, named(call, handle), jobId, signal);
      return {};
    },
    [Type.Jobs]: async (call, { handle }) => ({ jobs: await listJobs(containers, named(call, handle)) }),
    [Type.Logs]: async (call, { handle, jobId, sinceByte = 0n, follow = false }) => {
      let position = sinceByte;
      const sink = {
        output(name: 'stdout' | 'stderr', data: Buffer, at: bigint, release?: () => void): boolean {
          position = at + BigInt(data.length);
          return call.sendParts(encodeLogs(name, data, at), release);
        },
      };
      const reading = await readLogs(containers, named(call, handle), jobId, { position: sinceByte, follow }, sink);
      call.onWritable(() => reading.resume());
      const exit = await unlessInterrupted(call, reading.exit, () => reading.abandon());
      return { position, last: true, ...(exit === undefined ? {} : { exitStatus: exitStatusOf(exit), ...endingDetailsOf(exit) }) };
    },
  };
}

/** What is waited for; given up when the client has gone or the server ends. */
function unlessInterrupted<T>(call: Call, wait: Promise<T>, giveUp: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call.onInterrupt((reason: WardenError) => {
      giveUp();
      reject(reason);
    });
    wait.then(resolve, reject);
  });
}
