/** Removes discarded directories in the background, several at a time. */
import type { Log } from '../../lib/log.js';

/** What is discarded within this time goes together: a process does the work. */
const gatherMs = 100;
/** As many as the launcher takes at once. */
const batchSize = 256;

/** The launcher may have been killed, or a monitor that is undoing its create may still write: soon it can be done. */
const attempts = 5;

/** Removes entries of a directory, with everything in them; what is not there is no error. */
export type RemoveEntries = (directory: string, names: readonly string[]) => Promise<void>;

export class Trash {
  readonly #names: string[] = [];
  #work: Promise<void> | undefined;

  constructor(
    readonly path: string,
    private readonly removeEntries: RemoveEntries,
    private readonly log: Log,
  ) {}

  /** Removes an entry of the directory, later. */
  remove(name: string): void {
    this.#names.push(name);
    this.#work ??= this.#run();
  }

  /** Settles when everything so far was removed, or could not be. */
  async emptied(): Promise<void> {
    await this.#work;
  }

  async #run(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, gatherMs));
    while (this.#names.length > 0) {
      await this.#removeBatch(this.#names.splice(0, batchSize));
    }
    this.#work = undefined;
  }

  async #removeBatch(names: readonly string[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.removeEntries(this.path, names);
        return;
      } catch (error) {
        if (attempt === attempts) {
          this.log.warn({ err: error }, 'discarded directories could not be removed; the next start tries again');
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, gatherMs * attempt));
      }
    }
  }
}
