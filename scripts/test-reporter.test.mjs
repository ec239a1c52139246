import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestReporter } from './test-reporter.mjs';

/** @param {{ mustRun?: boolean }} [options] */
function recorder({ mustRun = false } = {}) {
  const state = { text: '' };
  return { state, reporter: new TestReporter({ root: '/repo', total: 1, mustRun, write: (text) => void (state.text += text) }) };
}

/** @param {string} name @param {object} [more] */
const pass = (name, more = {}) => ({ type: 'test:pass', data: { name, nesting: 0, details: {}, ...more } });
/** @param {string} name @param {unknown} error */
const fail = (name, error) => ({ type: 'test:fail', data: { name, nesting: 0, file: '/repo/a.test.js', line: 3, details: { error } } });
const lastLine = (/** @type {string} */ text) => text.trimEnd().split('\n').at(-1);

test('the last line counts; suites and files are not counted', () => {
  const { state, reporter } = recorder();
  for (const event of [pass('one'), pass('suite', { details: { type: 'suite' } }), pass('two', { nesting: 1 })]) reporter.handle('/repo/a.test.js', event);
  reporter.end('/repo/a.test.js');
  assert.equal(reporter.finish(), true);
  assert.equal(lastLine(state.text), '2 passed, 0 failed, 0 skipped');
});

test('a failure is shown with its place, its stack and what the file printed', () => {
  const { state, reporter } = recorder();
  reporter.handle('/repo/a.test.js', { type: 'test:stdout', data: { message: 'connecting\n' } });
  reporter.handle('/repo/a.test.js', fail('works', { failureType: 'testCodeFailure', cause: new Error('it does not') }));
  reporter.end('/repo/a.test.js');
  assert.equal(reporter.finish(), false);
  assert.match(state.text, /FAIL a\.test\.js: 0 passed, 1 FAILED/);
  assert.match(state.text, /not ok: works \(a\.test\.js:3\)\n\s+Error: it does not\n/);
  assert.match(state.text, /\| connecting/);
  assert.equal(lastLine(state.text), '0 passed, 1 failed, 0 skipped');
});

test('a parent that failed only because of its subtests is not counted twice', () => {
  const { reporter } = recorder();
  reporter.handle('/repo/a.test.js', fail('child', { failureType: 'testCodeFailure', cause: new Error('x') }));
  reporter.handle('/repo/a.test.js', fail('parent', { failureType: 'subtestsFailed' }));
  reporter.end('/repo/a.test.js');
  assert.equal(reporter.failed, 1);
});

test('a file without a test fails, and so does a run without one', () => {
  const { state, reporter } = recorder();
  reporter.handle('/repo/a.test.js', pass('/repo/a.test.js'));
  reporter.end('/repo/a.test.js');
  assert.equal(reporter.finish(), false);
  assert.match(state.text, /contains no test/);
  assert.equal(recorder().reporter.finish(), false);
});

test('a skip needs a reason, and is a failure where everything must run; so is a todo', () => {
  const reasoned = recorder();
  reasoned.reporter.handle('/repo/a.test.js', pass('s', { skip: 'no such hardware' }));
  assert.equal((reasoned.reporter.end('/repo/a.test.js'), reasoned.reporter.skipped), 1);
  for (const [options, more] of /** @type {const} */ ([[{}, { skip: true }], [{}, { skip: '' }], [{ mustRun: true }, { skip: 'no such hardware' }], [{}, { todo: 'later' }]])) {
    const { reporter } = recorder(options);
    reporter.handle('/repo/a.test.js', pass('s', more));
    reporter.end('/repo/a.test.js');
    assert.deepEqual([reporter.failed, reporter.skipped], [1, 0], JSON.stringify(more));
  }
});

test('what a failure shows is bounded', () => {
  const { state, reporter } = recorder();
  reporter.handle('/repo/a.test.js', { type: 'test:stdout', data: { message: 'x\n'.repeat(10_000) } });
  reporter.handle('/repo/a.test.js', fail('big', { failureType: 'testCodeFailure', cause: `${'y'.repeat(1_000_000)}\n${'z\n'.repeat(10_000)}` }));
  reporter.end('/repo/a.test.js');
  assert.ok(state.text.length < 10_000, `${state.text.length} characters`);
  assert.match(state.text, /y… \(1000000 characters\)/);
});

test('a file that takes long is named, with how far it is', () => {
  const { state, reporter } = recorder();
  reporter.begin('/repo/a.test.js');
  reporter.handle('/repo/a.test.js', pass('one'));
  reporter.remind('/repo/a.test.js');
  assert.match(state.text, /^ +\.\.\. a\.test\.js: 1 tests done after \d+ ms, the last of them: one\n$/);
});

test('of a long run the stages and the slowest files are named before the last line', () => {
  const short = recorder();
  short.reporter.stage('set-up', 1000);
  short.reporter.finish();
  assert.doesNotMatch(short.state.text, /took|slowest/);
  const { state, reporter } = recorder();
  reporter.stage('set-up', 61_000);
  for (let index = 0; index < 30; index++) {
    reporter.handle(`/repo/${index}.test.js`, pass('x'));
    reporter.end(`/repo/${index}.test.js`);
  }
  reporter.finish();
  const lines = state.text.trimEnd().split('\n').slice(30);
  assert.deepEqual(lines.slice(0, 2), ['        set-up took 1 min 1 s', '        the slowest files:']);
  assert.equal(lines.filter((line) => /^ +\d+ ms \d+\.test\.js$/.test(line)).length, 20);
  assert.equal(lines.at(-1), '30 passed, 0 failed, 0 skipped');
  assert.equal(lines.length, 23);
});
