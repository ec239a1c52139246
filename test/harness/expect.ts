/* Assertions about requests. */
import assert from 'node:assert/strict';
import { RequestError } from './client.js';
import type { Chunk, JobResult } from './client.js';

/** The request is answered by an error with this code and text. */
export async function refused(request: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  const error = await request.then((answer) => assert.fail(`expected an error, got ${JSON.stringify(answer)}`), (reason: unknown) => reason);
  if (!(error instanceof RequestError)) throw error;
  assert.match(error.message, message);
  assert.equal(error.code, code, error.message);
}

/** The job ended with status 0 and wrote nothing to stderr; returns what it wrote to stdout. */
export function output(result: JobResult): string {
  assert.deepEqual({ status: result.status, stderr: result.stderr }, { status: 0, stderr: '' }, `stdout: ${result.stdout}`);
  return result.stdout;
}

/** Reads chunks until the job's output so far contains `text`: the event by which a test knows how far a job has come. */
export async function streamUntil(stream: AsyncGenerator<Pick<Chunk, 'data' | 'status'>>, text: string): Promise<string> {
  let seen = '';
  while (!seen.includes(text)) {
    const next = await stream.next();
    if (next.done === true || next.value.status !== undefined) assert.fail(`the job ended (${next.done === true ? 'without a status' : `status ${next.value.status}`}) before it wrote ${text}: ${seen}`);
    seen += next.value.data.toString();
  }
  return seen;
}
