// The history of the prompt, kept in a file that only its owner can read: commands may hold secrets.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Lines kept. */
export const MAX_HISTORY = 1000;

/** Longer lines are not kept. */
const MAX_LINE_LENGTH = 4096;

/** Read no more than this of a file that may have become anything, in bytes. */
const MAX_FILE_LENGTH = 2 * MAX_HISTORY * MAX_LINE_LENGTH;

export class History {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The lines, newest first, as readline wants them; none when there is no such file. */
  load(): string[] {
    try {
      const text = readFileSync(this.#path, 'utf8').slice(-MAX_FILE_LENGTH);
      return text.split('\n').filter((line) => line !== '' && line.length <= MAX_LINE_LENGTH).slice(-MAX_HISTORY).reverse();
    } catch (reason) {
      if ((reason as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw reason;
    }
  }

  /** Replaces the file, at once and as a whole. */
  save(newestFirst: readonly string[]): void {
    const lines = newestFirst.filter((line) => line !== '' && line.length <= MAX_LINE_LENGTH).slice(0, MAX_HISTORY).reverse();
    const temporary = `${this.#path}.${process.pid}`;
    writeFileSync(temporary, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
    renameSync(temporary, this.#path);
  }
}
