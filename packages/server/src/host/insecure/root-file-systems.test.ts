import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WardenError } from 'warden-protocol';
import { InsecureRootFileSystems } from './root-file-systems.js';

test('the machine\'s own files can be named; another directory is refused, and what is none is not found', () => {
  const systems = new InsecureRootFileSystems(() => '/configured');
  for (const name of ['/', '/configured']) assert.deepEqual(systems.open(name), { lowers: [], mounts: [] });
  const refusals = [['/tmp', 'unsupported'], ['image:x', 'unsupported'], ['/nowhere', 'not_found'], ['/proc/self/stat', 'not_found'], ['a\0b', 'not_found'], ['x'.repeat(5000), 'not_found']] as const;
  for (const [name, code] of refusals) assert.throws(() => systems.open(name), (error: unknown) => error instanceof WardenError && error.code === code && error.message.includes(name));
});
