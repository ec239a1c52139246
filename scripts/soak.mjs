/**
 * `sudo npm run test:soak [-- PATTERN …]`: the same set-up as `npm test`, then what takes too long for every change: the
 * files of test/soak, and in their long form (WARDEN_SOAK=1) those that also have a short one. The closing line is that of
 * `npm test`.
 */
import { runTests } from './test-run.mjs';

const HOUR_MS = 60 * 60_000;

await runTests({ command: 'npm run test:soak', patterns: process.argv.slice(2), soak: true, lightDeadlineMs: HOUR_MS, heavyDeadlineMs: HOUR_MS });
