import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeEnd, runProgram } from './program.mjs';

test('output arrives line by line, from every descriptor, and the status is told', async () => {
  /** @type {string[]} */
  const lines = [];
  const result = await runProgram('/bin/sh', ['-c', 'echo one; echo two >&2; echo three >&3; exit 3'], {
    deadlineMs: 10_000,
    statusDescriptor: true,
    onLine: (line, source) => lines.push(`${source} ${line}`),
  });
  assert.deepEqual(lines.sort(), ['status three', 'stderr two', 'stdout one']);
  assert.equal(result.status, 3);
  assert.equal(describeEnd(result, 10_000), 'ended with status 3');
  assert.ok(result.output.includes('one') && result.output.includes('two') && !result.output.includes('three'));
});

test('input is given and ends', async () => {
  const result = await runProgram('cat', [], { deadlineMs: 10_000, input: 'hello\n' });
  assert.deepEqual([result.status, result.output], [0, 'hello']);
});

test('a program that is missing is a result, not a crash', async () => {
  const result = await runProgram('/nonexistent/program', [], { deadlineMs: 10_000, input: 'x' });
  assert.equal(result.status, 127);
  assert.match(result.output, /ENOENT/);
});

test('the deadline ends the program and its children', async () => {
  const result = await runProgram('/bin/sh', ['-c', 'sleep 1000 & wait'], { deadlineMs: 50 });
  assert.equal(result.timedOut, true);
  assert.match(describeEnd(result, 50_000), /did not finish within 50 s/);
});

test('a signal is named', async () => {
  const result = await runProgram('/bin/sh', ['-c', 'kill -9 $$'], { deadlineMs: 10_000 });
  assert.equal(describeEnd(result, 10_000), 'was ended by SIGKILL');
});
