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
  assert.match(error.message, /^start job \(clone\): out of processes.*; server\.container_pids_max limits a container, server\.containers_pids_max all together$/);
  assert.doesNotMatch(failure('clone', constants.errno.EAGAIN).message, /pids_max/, 'making a container is no matter of its own limit');
});

test('what a request asked for in vain is no fault of the server', () => {
  const { EACCES, EINVAL, ENOENT, EPERM } = constants.errno;
  const told = (step: string, errno: number, detail: string): string => {
    const { code, message } = failure(step, errno, detail);
    return `${code}: ${message}`;
  };
  assert.equal(told('execute program', ENOENT, 'nope'), 'not_found: execute program (nope): there is no such program in the container, or no interpreter for it');
  assert.equal(told('execute program', EACCES, '/x'), 'permission: execute program (/x): the job\'s user may not execute it');
  assert.equal(told('enter directory', ENOENT, '/x'), 'not_found: enter directory (/x): there is no such directory in the container');
  assert.equal(told('find user', ENOENT, 'nobody'), 'not_found: find user (nobody): the container\'s /etc/passwd has no such user');
  assert.equal(told('find user', EPERM, 'root'), 'permission: find user (root): only a privileged job can be root');
  assert.equal(told('assume identity', EINVAL, 'uid 70000'), 'invalid_argument: assume identity (uid 70000): the container has no such uid or gid');
  assert.equal(told('set up streams', EINVAL, 'give a pipe to user 70000'), 'invalid_argument: set up streams (give a pipe to user 70000): the container has no such uid or gid');
  assert.equal(told('read request', constants.errno.EBADMSG, 'file operation 19'), 'unsupported: read request (file operation 19): the container was made by an earlier server, and its programs do not know this yet');
  assert.equal(failure('list processes', constants.errno.EOPNOTSUPP, '/proc').code, 'unsupported');
  assert.equal(told('mount overlay', constants.errno.ENOSYS, '89 layers: overlay'), 'unsupported: mount overlay (89 layers: overlay): this kernel puts at most 88 layers together; Linux 6.7 and later take 128');
  assert.equal(failure('mount overlay', ENOENT, '/x').code, 'internal', 'what the server did by itself is one');
});
