/**
 * Set-up as a list of steps, one short line each: `ok     what: result (duration)`, on standard error.
 * On a terminal the running step shows its progress in place; elsewhere a step that takes long prints a line now and then.
 */
import { SetupError } from './setup-error.mjs';

/** @typedef {'ok' | 'warn' | 'fail'} Level */
/** @typedef {{ level: Level, text: string }} Finding */

const REDRAW_MS = 120;
const QUIET_MS = 10_000;
const COLORS = { ok: '\x1b[32m', warn: '\x1b[33m', fail: '\x1b[31m' };

/** @param {number} ms */
export function formatDuration(ms) {
  if (ms < 995) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

export class Steps {
  /**
   * @param {{ isTTY?: boolean, columns?: number, write(text: string): unknown }} [output] where the lines go
   * @param {() => number} [now] milliseconds
   */
  constructor(output = process.stderr, now = () => performance.now()) {
    this.output = output;
    this.now = now;
    this.colored = output.isTTY === true && !process.env['NO_COLOR'];
  }

  /**
   * One line that is not a step with a duration.
   * @param {Level} level
   * @param {string} text
   */
  line(level, text) {
    const label = level.padEnd(5);
    this.output.write(`${this.colored ? `${COLORS[level]}${label}\x1b[0m` : label} ${text}\n`);
  }

  /**
   * Do one step and print its line. A throw prints the line as `fail` and goes on to the caller.
   * @template T
   * @param {string} name
   * @param {(progress: (text: string) => void) => Promise<{ text: string, level?: Level, value?: T }>} work
   * @returns {Promise<T | undefined>}
   */
  async run(name, work) {
    const started = this.now();
    let latest = '';
    const terminal = this.output.isTTY === true;
    const timer = setInterval(() => this.#draw(name, latest, started), terminal ? REDRAW_MS : QUIET_MS);
    const clear = () => {
      clearInterval(timer);
      if (terminal) this.output.write('\r\x1b[K');
    };
    try {
      const result = await work((text) => {
        latest = text;
      });
      clear();
      this.line(result.level ?? 'ok', `${name}: ${result.text} (${formatDuration(this.now() - started)})`);
      return result.value;
    } catch (error) {
      clear();
      this.line('fail', `${name} (${formatDuration(this.now() - started)})`);
      throw error;
    }
  }

  /** @param {string} name @param {string} latest @param {number} started */
  #draw(name, latest, started) {
    const text = `...   ${name}${latest ? `: ${latest}` : ''} (${formatDuration(this.now() - started)})`;
    if (!this.output.isTTY) {
      this.output.write(`${text}\n`);
      return;
    }
    const columns = this.output.columns || 80; // 0: a terminal that does not know
    this.output.write(`\r\x1b[K${text.slice(0, Math.max(20, columns - 1))}`);
  }

  /**
   * Print why set-up ends here.
   * @param {unknown} error
   */
  failure(error) {
    if (error instanceof SetupError) {
      this.output.write(`warden: ${error.message}\n`);
      if (error.remedy) this.output.write(`        ${error.remedy}\n`);
      return;
    }
    this.output.write(`warden: set-up failed unexpectedly: ${error instanceof Error ? error.stack : String(error)}\n`);
  }
}
