import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestReporter } from '../test-reporter.mjs';
import { ResultReader } from './results.mjs';

const SUITE = [{ depot: 'ext4', file: 'test/dist/e2e/a.test.js' }, { depot: 'xfs', file: 'test/dist/e2e/a.test.js' }];
const END = { timedOut: false, how: 'ended with status 0', console: ['Kernel panic', 'the end'] };

function start() {
  let text = '';
  const reporter = new TestReporter({ root: '/checkout', total: 2, mustRun: true, write: (piece) => { text += piece; } });
  const results = new ResultReader(SUITE, reporter);
  const tell = (/** @type {string} */ depot, /** @type {object} */ line) => results.read(depot, JSON.stringify(line));
  return { reporter, results, tell, text: () => text };
}

/** @param {string} type @param {object} data */
const event = (type, data) => ({ file: 'test/dist/e2e/a.test.js', event: { type, data } });

test('what passes and fails in the machine is counted and named as if it had run here, by depot', () => {
  const { reporter, results, tell, text } = start();
  for (const depot of ['ext4', 'xfs']) {
    tell(depot, { begin: 'test/dist/e2e/a.test.js' });
    tell(depot, event('test:pass', { name: 'works', nesting: 0, file: '/warden/test/dist/e2e/a.test.js', details: { type: 'test' } }));
    if (depot === 'xfs') {
      tell(depot, event('test:fail', { name: 'does not', nesting: 0, line: 7, file: '/warden/test/dist/e2e/a.test.js', details: { error: { failureType: 'testCodeFailure', cause: { stack: 'Error: quota\n    at x' } } } }));
    }
    tell(depot, event('test:pass', { name: '/warden/test/dist/e2e/a.test.js', nesting: 0, details: { type: 'suite' } }));
    tell(depot, { end: 'test/dist/e2e/a.test.js' });
  }
  results.finish(END);
  assert.equal(reporter.finish(), false);
  assert.match(text(), /ok {3}VM ext4: test\/dist\/e2e\/a\.test\.js: 1 passed \(/);
  assert.match(text(), /FAIL VM xfs: test\/dist\/e2e\/a\.test\.js: 1 passed, 1 FAILED/);
  assert.match(text(), /not ok: does not \(test\/dist\/e2e\/a\.test\.js:7\)\n\s+Error: quota/);
  assert.match(text(), /2 passed, 1 failed, 0 skipped\n$/);
});

test('a machine that ends too early fails every file that is not done, with the end of its console', () => {
  const { reporter, results, tell, text } = start();
  tell('ext4', { begin: 'test/dist/e2e/a.test.js' });
  tell('ext4', event('test:pass', { name: 'works', nesting: 0, details: { type: 'test' } }));
  results.finish({ ...END, timedOut: true, how: 'was still running after 9 s' });
  assert.equal(reporter.finish(), false);
  assert.match(text(), /was not finished: the virtual machine was still running after 9 s/);
  assert.match(text(), /was not begun: /);
  assert.match(text(), /Kernel panic\n\s+the end/);
  assert.match(text(), /1 passed, 2 failed, 0 skipped\n$/);
});

test('a skipped test in the machine is a failure where nothing may be skipped', () => {
  const { reporter, tell } = start();
  tell('ext4', { begin: 'test/dist/e2e/a.test.js' });
  tell('ext4', event('test:pass', { name: 'later', nesting: 0, skip: 'no quota', details: { type: 'test' } }));
  tell('ext4', { end: 'test/dist/e2e/a.test.js' });
  assert.deepEqual([reporter.passed, reporter.failed, reporter.skipped], [0, 1, 0]);
});

test('results of a file that nobody asked for are refused', () => {
  const { tell } = start();
  assert.throws(() => tell('ext4', { begin: 'test/dist/e2e/b.test.js' }), /was not asked for/);
});
