/* `npm run test:compatibility` against a server that a test has started. */
import { join } from 'node:path';
import { repository } from './paths.js';
import { plainCommand } from './plain-user.js';
import { runProgram } from './run-program.js';
import type { Finished, RunOptions } from './run-program.js';

const DEADLINE_MS = 5 * 60_000;

/**
 * Its report, whose last line has the numbers; status 1 when a test has failed.
 * @param asPlainUser as a user without rights
 */
export function runCompatibility(socket: string, words: readonly string[] = [], { asPlainUser = false, ...options }: RunOptions & { readonly asPlainUser?: boolean } = {}): Promise<Finished> {
  // A test runner that believes to run in another one reports to that.
  const { NODE_TEST_CONTEXT: _context, ...environment } = process.env;
  const suite = [join(repository, 'scripts/compatibility.mjs'), '--socket', socket, ...words];
  const { program, args, identity } = asPlainUser ? plainCommand(process.execPath, suite) : { program: process.execPath, args: suite, identity: {} };
  return runProgram(program, [...args], { env: environment, timeoutMs: DEADLINE_MS, ...identity, ...options });
}

/** The numbers of a report's last line. */
export function countsOf({ stdout }: Finished): { passed: number; failed: number; skipped: number } {
  const [, passed, failed, skipped] = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(stdout.trimEnd().split('\n').at(-1) ?? '') ?? [];
  if (passed === undefined) throw new Error(`no closing line in: ${stdout}`);
  return { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) };
}
