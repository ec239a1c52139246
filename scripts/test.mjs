/**
 * `sudo npm test [-- PATTERN …]`: the same set-up as `npm start`, then every test, or those files whose path contains
 * one of the patterns. test-run.mjs tells the rest.
 */
import { runTests } from './test-run.mjs';

await runTests({
  command: 'npm test',
  patterns: process.argv.slice(2),
  soak: false,
  lightDeadlineMs: 2 * 60_000,
  // the native programs' tests take longest: they are compiled first, under the sanitizers
  heavyDeadlineMs: 6 * 60_000,
});
