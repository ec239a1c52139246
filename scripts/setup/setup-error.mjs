/**
 * A set-up step that cannot go on: what failed, and what the person at the keyboard can do about it.
 * The two entry programs print it as one line and exit with status 1.
 */
export class SetupError extends Error {
  /**
   * @param {string} message what failed, with the object it failed on
   * @param {{ remedy?: string, cause?: unknown }} [options] remedy: one sentence that says what to do
   */
  constructor(message, options = {}) {
    super(message, { cause: options.cause });
    this.name = 'SetupError';
    this.remedy = options.remedy;
  }
}
