import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { StepError } from './step-error.js';
import { Tag } from './wire.js';
import { Attributes, FrameWriter } from './wire-codec.js';

function failure(step: string, errno: number, detail?: string): StepError {
  const writer = new FrameWriter().text(Tag.step, step).u32(Tag.errno, errno);
  if (detail !== undefined) writer.text(Tag.detail, detail);
  return new StepError(new Attributes(writer.frame(101).subarray(8)));
}

test('names step, object and cause', () => {
  assert.equal(failure('mount overlay', constants.errno.ENOSPC, '/x').message, 'mount overlay (/x): no space left on the device (ENOSPC)');
});

test('a job that finds no room for a process names the key that makes more', () => {
  const error = failure('start job', constants.errno.EAGAIN, 'clone');
  assert.equal(error.code, 'exhausted');
  assert.match(error.message, /^start job \(clone\): out of processes.* server\.container_pids_max allows$/);
  assert.doesNotMatch(failure('clone', constants.errno.EAGAIN).message, /pids_max/, 'making a container is no matter of its own limit');
});
