/**
 * Prints a test run: one line per test file, every failure with its diagnostics, how long the stages and the slowest files took,
 * and as the very last line `N passed, N failed, N skipped`. Fed with the events of node:test's run(); knows nothing of processes.
 */
import { relative } from 'node:path';
import { inspect } from 'node:util';
import { formatDuration } from './setup/steps.mjs';

/**
 * @typedef {object} TestEventData the part of node:test's events that is used here: "Class: TestsStream" in Node's manual
 * @property {string} [name]
 * @property {number} [nesting]
 * @property {string} [file]
 * @property {number} [line]
 * @property {string} [message] of test:stdout and test:stderr
 * @property {string | boolean} [skip]
 * @property {string | boolean} [todo]
 * @property {{ type?: string, error?: unknown }} [details]
 *
 * @typedef {{ type: string, data: TestEventData }} TestEvent
 * @typedef {{ passed: number, failed: number, skipped: number, startedAt: number, problems: string[], latest: string }} FileState
 */

/** So many of the slowest files are named, of a run that has more. */
const SLOWEST = 20;
const MAX_OUTPUT_LINES = 60;
const MAX_PROBLEM_LINES = 60;
const MAX_LINE_LENGTH = 400;

/** @param {string} line */
function shorten(line) {
  return line.length <= MAX_LINE_LENGTH ? line : `${line.slice(0, MAX_LINE_LENGTH)}… (${line.length} characters)`;
}

export class TestReporter {
  /** @type {Map<string, FileState>} */
  #files = new Map();
  /** @type {Map<string, string[]>} */
  #output = new Map();
  /** @type {{ name: string, ms: number }[]} */
  #durations = [];
  /** @type {{ name: string, ms: number }[]} */
  #stages = [];
  #done = 0;
  passed = 0;
  failed = 0;
  skipped = 0;

  /**
   * @param {{ root: string, total: number, mustRun: boolean, write?: (text: string) => void }} options
   *   total: number of files; mustRun: a skip is a failure
   */
  constructor({ root, total, mustRun, write = (text) => void process.stdout.write(text) }) {
    this.root = root;
    this.total = total;
    this.mustRun = mustRun;
    this.write = write;
  }

  /** @param {string} file */
  #state(file) {
    let state = this.#files.get(file);
    if (!state) {
      state = { passed: 0, failed: 0, skipped: 0, startedAt: performance.now(), problems: [], latest: '' };
      this.#files.set(file, state);
    }
    return state;
  }

  /**
   * The file has begun.
   * @param {string} file absolute path
   */
  begin(file) {
    this.#state(file);
  }

  /**
   * The file is still running.
   * @param {string} file
   */
  remind(file) {
    const { passed, failed, latest, startedAt } = this.#state(file);
    this.write(`        ... ${relative(this.root, file)}: ${passed + failed} tests done after ${formatDuration(performance.now() - startedAt)}${latest === '' ? '' : `, the last of them: ${latest}`}\n`);
  }

  /**
   * @param {string} file
   * @param {TestEvent} event
   */
  handle(file, { type, data }) {
    const state = this.#state(file);
    // diagnostics tell of errors outside of any test; the counts that end them are made here as well
    const diagnostic = type === 'test:diagnostic' && !/^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(data.message ?? '');
    if (type === 'test:stdout' || type === 'test:stderr' || diagnostic) {
      const lines = this.#output.get(file) ?? [];
      lines.push(...String(data.message).trimEnd().split('\n').slice(-MAX_OUTPUT_LINES).map(shorten));
      this.#output.set(file, lines.slice(-MAX_OUTPUT_LINES));
      return;
    }
    if (type !== 'test:pass' && type !== 'test:fail') return;
    state.latest = data.name ?? '';
    const suite = data.details?.type === 'suite';
    const ofFile = data.nesting === 0 && (data.name === file || data.name === relative(this.root, file));
    if (type === 'test:fail') {
      // A suite, or a test that only failed because of its subtests, is told by those; but never swallow a failure.
      const error = data.details?.error;
      if (propertyOf(error, 'failureType') === 'subtestsFailed') return;
      state.failed += 1;
      state.problems.push(ofFile ? `the file itself\n    ${describeFileEnd(error)}` : `${data.name}${place(data, this.root)}\n${describe(error)}`);
    } else if (data.skip !== undefined || data.todo !== undefined) {
      this.#skip(state, data);
    } else if (!suite && !ofFile) {
      state.passed += 1;
    }
  }

  /** @param {FileState} state @param {TestEventData} data */
  #skip(state, data) {
    const reason = [data.skip, data.todo].find((text) => typeof text === 'string' && text !== '');
    if (data.todo !== undefined || this.mustRun || reason === undefined) {
      state.failed += 1;
      state.problems.push(`${data.name}\n    was skipped ${reason === undefined ? 'without saying why' : `(${reason}), and nothing may be skipped here`}`);
    } else {
      state.skipped += 1;
      this.write(`  skipped: ${data.name} (${reason})\n`);
    }
  }

  /**
   * The file has ended.
   * @param {string} file
   */
  end(file) {
    const state = this.#state(file);
    if (state.passed + state.failed + state.skipped === 0) {
      state.failed += 1;
      state.problems.push('the file itself\n    contains no test');
    }
    this.passed += state.passed;
    this.failed += state.failed;
    this.skipped += state.skipped;
    const done = `${++this.#done}/${this.total}`.padStart(7);
    const counts = [`${state.passed} passed`, ...(state.failed ? [`${state.failed} FAILED`] : []), ...(state.skipped ? [`${state.skipped} skipped`] : [])];
    const ms = performance.now() - state.startedAt;
    this.#durations.push({ name: relative(this.root, file), ms });
    this.write(`${done} ${state.failed ? 'FAIL' : 'ok  '} ${relative(this.root, file)}: ${counts.join(', ')} (${formatDuration(ms)})\n`);
    if (state.failed === 0) return;
    for (const problem of state.problems) this.write(`        not ok: ${problem.replaceAll('\n', '\n        ')}\n`);
    const output = this.#output.get(file);
    if (output) this.write(`        output of this file (its end):\n${output.map((line) => `        | ${line}\n`).join('')}`);
  }

  /**
   * A part of the run is over.
   * @param {string} name
   * @param {number} ms
   */
  stage(name, ms) {
    this.#stages.push({ name, ms });
  }

  /** Where the time went. */
  #printDurations() {
    if (this.#durations.length <= SLOWEST) return;
    for (const { name, ms } of this.#stages) this.write(`        ${name} took ${formatDuration(ms)}\n`);
    this.write('        the slowest files:\n');
    for (const { name, ms } of this.#durations.sort((one, other) => other.ms - one.ms).slice(0, SLOWEST)) this.write(`        ${formatDuration(ms).padStart(12)} ${name}\n`);
  }

  /**
   * The last line.
   * @returns {boolean} whether the run is a success
   */
  finish() {
    this.#printDurations();
    if (this.passed + this.failed + this.skipped === 0) this.write('no test ran\n');
    this.write(`${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped\n`);
    return this.failed === 0 && this.passed > 0;
  }
}

/** @param {TestEventData} data @param {string} root */
function place({ file, line }, root) {
  return file === undefined || line === undefined ? '' : ` (${relative(root, file.replace(/^file:\/\//, ''))}:${line})`;
}

/** @param {unknown} value @param {string} name */
function propertyOf(value, name) {
  return typeof value === 'object' && value !== null ? /** @type {Record<string, unknown>} */ (value)[name] : undefined;
}

/**
 * How a file's process ended when that was the failure.
 * @param {unknown} error
 */
function describeFileEnd(error) {
  if (propertyOf(error, 'failureType') === 'testAborted' || propertyOf(propertyOf(error, 'cause'), 'name') === 'AbortError') {
    return 'did not finish in time and was ended';
  }
  const [status, signal] = [propertyOf(error, 'exitCode'), propertyOf(error, 'signal')];
  if (typeof signal === 'string' && signal !== '~') return `was ended by ${signal}`;
  if (typeof status === 'number') return `ended with status ${status}, outside of any test or before all of them were done`;
  return describe(error).trim();
}

/**
 * What a test threw. node:test wraps it, and errors of another process are not instances of this one's Error.
 * @param {unknown} error
 */
function describe(error) {
  const thrown = propertyOf(error, 'cause') ?? error;
  const stack = propertyOf(thrown, 'stack');
  const cause = propertyOf(thrown, 'cause');
  const text = typeof stack === 'string' ? `${stack}${cause === undefined ? '' : `\ncaused by: ${inspect(cause)}`}` : typeof thrown === 'string' ? thrown : inspect(thrown);
  const lines = text.split('\n').filter((line) => !line.includes('node:internal'));
  // what is compared may be megabytes; where it happened stands at the end
  const kept = lines.length <= MAX_PROBLEM_LINES ? lines : [...lines.slice(0, MAX_PROBLEM_LINES / 2), `… ${lines.length - MAX_PROBLEM_LINES} lines …`, ...lines.slice(-MAX_PROBLEM_LINES / 2)];
  return kept.map((line) => `    ${shorten(line)}`).join('\n');
}
