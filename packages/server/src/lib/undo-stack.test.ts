import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UndoStack } from './undo-stack.js';

test('unwinds backwards, and once', async () => {
  const done: string[] = [];
  const undo = new UndoStack();
  undo.push('a', () => void done.push('a'));
  undo.push('b', async () => {
    await Promise.resolve();
    done.push('b');
  });
  assert.deepEqual(await undo.unwind(), []);
  assert.deepEqual(done, ['b', 'a']);
  await undo.unwind();
  assert.deepEqual(done, ['b', 'a']);
});

test('a failing undo is reported and does not keep the others from running', async () => {
  const done: string[] = [];
  const undo = new UndoStack();
  const error = new Error('no');
  undo.push('first', () => void done.push('first'));
  undo.push('second', () => {
    throw error;
  });
  undo.push('third', () => Promise.reject(error));
  assert.deepEqual(await undo.unwind(), [{ name: 'third', error }, { name: 'second', error }]);
  assert.deepEqual(done, ['first']);
});

test('success discards', async () => {
  const undo = new UndoStack();
  undo.push('never', () => assert.fail('was undone'));
  undo.discard();
  assert.deepEqual(await undo.unwind(), []);
});
