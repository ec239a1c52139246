/**
 * In the test machine: runs the test files of /vm/plan.json for one depot, one after the other, with the same runner as
 * outside, and writes what it reports as lines of JSON to the port that leads to the host (results.mjs reads them).
 */
import { openSync, readFileSync, writeSync } from 'node:fs';
import { run } from 'node:test';
import { inspect } from 'node:util';
import { PROJECT_IN_IMAGE } from './root-image.mjs';

/** What node:test says of a test whose name matches no pattern. */
const NOT_CHOSEN = 'test name does not match pattern';
const SHOWN_TYPES = new Set(['test:pass', 'test:fail', 'test:diagnostic', 'test:stdout', 'test:stderr']);

/** @typedef {{ fileDeadlineMs: number, environment: Record<string, string>, files: Record<string, { file: string, only: string[] }[]> }} Plan files: by depot, relative to the checkout */

/** @param {unknown} error what a test threw, as node:test wraps it @returns {object | string} what JSON can carry of it */
function portable(error) {
  if (typeof error !== 'object' || error === null) return String(error);
  const { failureType, exitCode, signal, cause, stack } = /** @type {Record<string, unknown>} */ (error);
  return {
    failureType, exitCode, signal,
    ...(typeof stack === 'string' ? { stack } : {}),
    ...(cause === undefined ? {} : { cause: typeof cause === 'object' && cause !== null ? { name: /** @type {Error} */ (cause).name, stack: /** @type {Error} */ (cause).stack ?? inspect(cause) } : String(cause) }),
  };
}

/** @param {number} port @param {object} line */
function report(port, line) {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < bytes.length;) at += writeSync(port, bytes, at);
}

const { fileDeadlineMs, environment, files } = /** @type {Plan} */ (JSON.parse(readFileSync('/vm/plan.json', 'utf8')));
Object.assign(process.env, environment);
const port = openSync(process.env['WARDEN_VM_PORT'] ?? '', 'w');
for (const { file, only } of files[process.env['WARDEN_VM_DEPOT'] ?? ''] ?? []) {
  report(port, { begin: file });
  const stream = run({ files: [`${PROJECT_IN_IMAGE}/${file}`], concurrency: 1, signal: AbortSignal.timeout(fileDeadlineMs), ...(only.length > 0 ? { testNamePatterns: only } : {}) });
  for await (const { type, data } of stream) {
    if (!SHOWN_TYPES.has(type)) continue;
    if (only.length > 0 && /** @type {{ skip?: unknown }} */ (data).skip === NOT_CHOSEN) continue;
    const { name, nesting, file: path, line, message, skip, todo, details } = /** @type {import('../test-reporter.mjs').TestEventData} */ (data);
    const { type: kind, error } = details ?? {};
    report(port, { file, event: { type, data: { name, nesting, file: path, line, message, skip, todo, details: { type: kind, error: error === undefined ? undefined : portable(error) } } } });
  }
  report(port, { end: file });
}
