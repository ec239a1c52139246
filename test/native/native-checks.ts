/*
 * The tests of the C programs, as tests of this run: each check that they print is one. `make -C native` knows how they are
 * built (AddressSanitizer, UndefinedBehaviorSanitizer, libFuzzer) and run.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository } from '../harness/paths.js';
import { runProgram } from '../harness/run-program.js';
import { parseTap } from './tap.js';

const DEADLINE_MS = 8 * 60_000;

export interface NativeTarget {
  /** Of native/Makefile. */
  readonly target: string;
  readonly what: string;
  /** How many of its programs are built and run at once; what each prints stays together. */
  readonly atOnce: number;
}

/** Makes the target and declares a test for each check. */
export async function declareChecks({ target, what, atOnce }: NativeTarget): Promise<void> {
  // --keep-going: a failure in one program does not hide what the others say
  const options = ['--no-print-directory', '--keep-going', `--jobs=${atOnce}`, '--output-sync=target'];
  const { status, signal, stdout, stderr } = await runProgram('make', ['-C', join(repository, 'native'), ...options, target], {
    timeoutMs: DEADLINE_MS,
    env: withoutMakeFlags(process.env),
  });
  const { checks, mistakes } = parseTap(stdout);
  for (const { name, passed, skipped, diagnostics } of checks) {
    test(`${what}: ${name}`, { skip: skipped ?? false }, () => {
      if (!passed) assert.fail(diagnostics.join('\n') || 'no reason was printed');
    });
  }
  test(`${what}: everything was built and ran to its end`, () => {
    assert.deepEqual(mistakes, []);
    assert.ok(checks.length > 0, `make ${target} printed no check`);
    const failed = checks.filter(({ passed }) => !passed).length;
    assert.ok(status === 0 || failed > 0, `make ${target}: ${signal ?? `status ${status}`}\n${stderr.slice(-8000)}`);
  });
}

function withoutMakeFlags({ MAKEFLAGS: _flags, MAKELEVEL: _level, ...rest }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return rest;
}
