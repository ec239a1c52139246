/** One stream of an ended job's output, read again from its first byte. */
import type { OutputStream } from '../host/monitor.js';
import type { Container, Job } from './container.js';

export interface Replay {
  /** Settles after the last piece; rejects when the monitor is gone, or after close(). */
  readonly ended: Promise<void>;
  resume(): void;
  close(): void;
}

/** @param receive takes a piece as an OutputSink does; false: no more until resume() */
export async function replayOutput(container: Container, job: Job, stream: OutputStream, receive: (data: Buffer, release?: () => void) => boolean): Promise<Replay> {
  const followed = await container.monitor.follow(job.id, { output: (from, data, _position, release) => (from === stream ? receive(data, release) : true) }, { only: stream });
  return { ended: followed.exit.then(() => undefined), resume: () => followed.resume(), close: () => followed.close() };
}
