import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SetupError } from './setup-error.mjs';
import { formatDuration, Steps } from './steps.mjs';

/** @param {boolean} isTTY */
function recorder(isTTY = false) {
  const output = { isTTY, columns: 40, text: '', write(/** @type {string} */ text) { this.text += text; } };
  let time = 0;
  return { output, steps: new Steps(output, () => (time += 250)) };
}

test('a step is one line with its result and duration', async () => {
  const { output, steps } = recorder();
  const value = await steps.run('npm packages', async () => ({ text: 'as in package-lock.json', value: 7 }));
  assert.equal(value, 7);
  assert.equal(output.text, 'ok    npm packages: as in package-lock.json (250 ms)\n');
});

test('a step that throws is a line that says fail, and the error goes on', async () => {
  const { output, steps } = recorder();
  await assert.rejects(steps.run('build', async () => { throw new SetupError('no compiler'); }), /no compiler/);
  assert.match(output.text, /^fail {2}build \(250 ms\)\n$/);
});

test('on a terminal the line in progress is erased', async () => {
  const { output, steps } = recorder(true);
  await steps.run('x', async () => ({ text: 'done' }));
  assert.ok(output.text.includes('\r\x1b[K'));
  assert.ok(output.text.endsWith('x: done (250 ms)\n'));
});

test('a failure prints the message and what to do, an unexpected one its stack', () => {
  const { output, steps } = recorder();
  steps.failure(new SetupError('root rights are needed', { remedy: 'Run: sudo npm start' }));
  assert.equal(output.text, 'warden: root rights are needed\n        Run: sudo npm start\n');
  steps.failure(new TypeError('oops'));
  assert.match(output.text, /failed unexpectedly: TypeError: oops\n\s+at /);
});

test('durations are short', () => {
  assert.deepEqual([0.4, 994, 995, 1234, 59_940, 61_000].map(formatDuration), ['0 ms', '994 ms', '1.0 s', '1.2 s', '59.9 s', '1 min 1 s']);
});
