import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkJob } from './job-history.js';
import type { Follow, JobHistory } from './job-history.js';

const expected = { status: 7, stdout: 'one\ntwo\n', stderr: 'err\n' };
const pieces = ['stdout:one\n', 'stderr:err\n', 'stdout:two\n'];
const result = (began: number, ended: number, more: Partial<Follow> = {}): Follow => ({ client: began, began, ended, outcome: 'result', result: expected, ...more });
const none = (began: number, ended: number): Follow => ({ client: began, began, ended, outcome: 'no such job' });
const cut = (began: number, ended: number): Follow => ({ client: began, began, ended, outcome: 'cut' });

function complaints(follows: Follow[], more: Partial<JobHistory> = {}): string[] {
  return checkJob({ handle: 'h', jobId: 3, began: 0, expected, pieces, follows, disturbances: [], destroys: [], deaths: [], ...more });
}

test('several at once get the same, later ones nothing', () => {
  assert.deepEqual(complaints([result(1, 10), result(2, 11, { pieces }), none(12, 13)]), []);
  assert.deepEqual(complaints([result(1, 10), none(2, 9)]), []);
  assert.deepEqual(complaints([cut(1, 10), none(11, 12)]), []);
});

test('a second result after the first was given is found, unless the daemon died before it could forget the job', () => {
  assert.equal(complaints([result(1, 2), result(3, 4)]).length, 1);
  assert.deepEqual(complaints([result(1, 2), result(5, 6)], { deaths: [3], disturbances: [3] }), []);
  // The reply was under way when the daemon died, and was read after that.
  assert.deepEqual(complaints([result(1, 4), result(5, 6)], { deaths: [3] }), []);
  assert.equal(complaints([result(2, 3), result(5, 6)], { deaths: [1] }).length, 1);
});

test('a job that is gone though nobody had its result is found', () => {
  assert.equal(complaints([none(1, 2)]).length, 1);
  assert.equal(complaints([none(1, 2), result(3, 4)]).length, 1);
  assert.deepEqual(complaints([none(5, 6)], { destroys: [4] }), []);
});

test('a lost byte, another order and another status are found', () => {
  assert.equal(complaints([result(1, 2, { result: { ...expected, stdout: 'one\ntw\n' } })]).length, 1);
  assert.equal(complaints([result(1, 2, { result: { ...expected, stdout: 'one\n' } })]).length, 1);
  assert.equal(complaints([result(1, 2, { pieces: ['stderr:err\n', 'stdout:one\n', 'stdout:two\n'] })]).length, 1);
  assert.equal(complaints([result(1, 2, { result: { ...expected, status: 255 } })]).length, 1);
});

test('a job that a stop ended answers 255 with the beginning of its output, and the same to all', () => {
  const killed = { status: 255, stdout: 'one\n', stderr: '' };
  assert.deepEqual(complaints([result(1, 9, { result: killed, pieces: ['stdout:one\n'] }), result(2, 9, { result: killed })], { disturbances: [3] }), []);
  assert.equal(complaints([result(1, 9, { result: killed })], { disturbances: [10] }).length, 1);
  assert.equal(complaints([result(1, 9, { result: killed }), result(2, 9)], { disturbances: [3] }).length, 1);
  assert.equal(complaints([result(1, 9, { result: { ...killed, stdout: 'two\n' } })], { disturbances: [3] }).length, 1);
  // A destroy may cut one off that waits while another has just been given the end.
  assert.deepEqual(complaints([result(1, 9, { result: killed }), result(2, 9)], { disturbances: [3], destroys: [3] }), []);
});
