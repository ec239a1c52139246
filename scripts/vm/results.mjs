/** What the test machine's ports bring, told to the reporter as if the files had run here; and every file that did not come to its end is a failure. */
import { join } from 'node:path';
import { PROJECT_IN_IMAGE } from './root-image.mjs';

/** @typedef {import('../test-reporter.mjs').TestReporter} TestReporter */
/** @typedef {{ begin?: string, end?: string, file?: string, event?: import('../test-reporter.mjs').TestEvent }} Line */

/** How the reporter names a file that runs in the machine: relative to the checkout this is "VM ext4: test/…". */
export const nameInReport = (/** @type {string} */ root, /** @type {string} */ depot, /** @type {string} */ file) => join(root, `VM ${depot}: ${file}`);

export class ResultReader {
  /** @type {Map<string, 'waiting' | 'running' | 'ended'>} */
  #states = new Map();

  /**
   * @param {readonly { depot: string, file: string }[]} suite
   * @param {TestReporter} reporter
   */
  constructor(suite, reporter) {
    this.suite = suite;
    this.reporter = reporter;
    for (const { depot, file } of suite) this.#states.set(this.#name(depot, file), 'waiting');
  }

  /** @param {string} depot @param {string} file */
  #name(depot, file) {
    return nameInReport(this.reporter.root, depot, file);
  }

  /**
   * @param {string} depot whose port it came through
   * @param {string} text a line of JSON
   */
  read(depot, text) {
    const line = /** @type {Line} */ (JSON.parse(text));
    const name = this.#name(depot, line.begin ?? line.end ?? line.file ?? '');
    if (!this.#states.has(name)) throw new Error(`the virtual machine tells of ${name}, which was not asked for`);
    if (line.begin !== undefined) {
      this.#states.set(name, 'running');
      this.reporter.begin(name);
    } else if (line.end !== undefined) {
      this.#states.set(name, 'ended');
      this.reporter.end(name);
    } else if (line.event) {
      this.reporter.handle(name, this.#translated(name, line.event));
    }
  }

  /** Names what is still running. */
  remind() {
    for (const [name, state] of this.#states) if (state === 'running') this.reporter.remind(name);
  }

  /** Paths in the machine become those of the host's checkout. @param {string} name @param {import('../test-reporter.mjs').TestEvent} event @returns {import('../test-reporter.mjs').TestEvent} */
  #translated(name, { type, data }) {
    const { root } = this.reporter;
    const here = (/** @type {string | undefined} */ text) => text?.replaceAll(`${PROJECT_IN_IMAGE}/`, `${root}/`);
    const ofFile = data.nesting === 0 && data.name?.startsWith(`${PROJECT_IN_IMAGE}/`) === true;
    return { type, data: { ...data, ...(ofFile ? { name } : {}), ...(data.file === undefined ? {} : { file: here(data.file) ?? '' }) } };
  }

  /** @param {import('./machine.mjs').MachineEnd} end */
  finish(end) {
    for (const [name, state] of this.#states) {
      if (state === 'ended') continue;
      if (state === 'waiting') this.reporter.begin(name);
      const message = `${state === 'waiting' ? 'was not begun' : 'was not finished'}: the virtual machine ${end.how}. The end of its console:\n${end.console.join('\n')}`;
      this.reporter.handle(name, { type: 'test:fail', data: { name, nesting: 0, details: { error: { failureType: 'testCodeFailure', cause: message } } } });
      this.reporter.end(name);
    }
  }
}
