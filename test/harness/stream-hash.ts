/* A stream that is too long to be kept. */
import { createHash } from 'node:crypto';
import type { Client } from './client.js';

export interface Read {
  readonly bytes: number;
  /** sha256. */
  readonly hash: string;
  readonly status: number;
}

/** Reads a job's stream to its end; of its output nothing but the hash is kept. */
export async function readStream(client: Client, handle: string, jobId: number): Promise<Read> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const { data, status } of client.stream(handle, jobId)) {
    hash.update(data);
    bytes += data.length;
    if (status !== undefined) return { bytes, hash: hash.digest('hex'), status };
  }
  throw new Error('the stream ended without an exit status');
}
