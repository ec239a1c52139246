import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeavy, isWanted, runLists, sourceName } from './test-run.mjs';

const longForm = "import { SOAK } from '../harness/soak.js';";

test('npm test takes every file but those of test/soak and test/vm', () => {
  const all = { soak: false, patterns: [] };
  assert.equal(isWanted('test/dist/e2e/jobs.test.js', '', all), true);
  assert.equal(isWanted('test/dist/e2e/jobs.test.js', longForm, all), true);
  assert.equal(isWanted('packages/cli/dist/words.test.js', '', all), true);
  assert.equal(isWanted('test/dist/soak/histories.test.js', longForm, all), false);
});

test('no run on this machine takes what is for the virtual machine alone', () => {
  for (const wanted of [{ soak: false, patterns: [] }, { soak: true, patterns: [] }, { soak: false, patterns: ['vm'] }]) assert.equal(isWanted('test/dist/vm/core-pattern.test.js', longForm, wanted), false);
});

test('the soak takes the files of test/soak and those with a long form', () => {
  const all = { soak: true, patterns: [] };
  assert.equal(isWanted('test/dist/e2e/jobs.test.js', '', all), false);
  assert.equal(isWanted('test/dist/e2e/jobs.test.js', longForm, all), true);
  assert.equal(isWanted('test/dist/native/native.test.js', "process.env['WARDEN_SOAK']", all), true);
  assert.equal(isWanted('test/dist/soak/histories.test.js', '', all), true);
  assert.equal(isWanted('scripts/test-run.test.mjs', longForm, all), false);
});

test('a pattern matches the source and what is built of it', () => {
  for (const [pattern, wanted] of /** @type {const} */ ([['e2e/jobs', true], ['dist/e2e', true], ['test/e2e/jobs.test.ts', true], ['integration', false]])) {
    assert.equal(isWanted('test/dist/e2e/jobs.test.js', '', { soak: false, patterns: [pattern] }), wanted, pattern);
  }
  assert.equal(sourceName('packages/cli/dist/words.test.js'), 'packages/cli/src/words.test.ts');
});

test('what needs the machine is told from what does not', () => {
  assert.equal(isHeavy('test/dist/e2e/jobs.test.js'), true);
  assert.equal(isHeavy('test/dist/soak/jobs.test.js'), true);
  assert.equal(isHeavy('test/dist/harness/words.test.js'), false);
  assert.equal(isHeavy('packages/server/dist/pool/uid-pool.test.js'), false);
});

test('lists run beside each other, of each one file after the other, and a place that becomes free later takes what is left', async () => {
  /** @type {Map<string, () => void>} */
  const running = new Map();
  const run = (/** @type {string} */ file) => /** @type {Promise<void>} */ (new Promise((resolve) => running.set(file, resolve)));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const end = async (/** @type {string} */ file) => {
    running.get(file)?.();
    running.delete(file);
    await turn();
  };
  let free = () => {};
  const later = /** @type {Promise<void>} */ (new Promise((resolve) => { free = resolve; }));
  let over = false;
  const all = runLists([['a1', 'a2'], ['b'], ['c']], [Promise.resolve(), later], run).then(() => { over = true; });
  await turn();
  assert.deepEqual([...running.keys()], ['a1']);
  free();
  await turn();
  assert.deepEqual([...running.keys()], ['a1', 'b']);
  await end('b');
  assert.deepEqual([...running.keys()], ['a1', 'c']);
  await end('a1');
  await end('c');
  assert.deepEqual([[...running.keys()], over], [['a2'], false]);
  await end('a2');
  await all;
});
