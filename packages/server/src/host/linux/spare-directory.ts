/**
 * One empty directory that is made while the launcher works on the container before, to be moved into the next one's place. Where
 * directories are spread over a disk's groups to keep them fast later on (native/launcher/hello.c), making one reads from
 * the disk: some hundred microseconds, which a create need not wait for.
 */
import { lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from './small-file.js';

export class SpareDirectory {
  #directory = '';
  #number = 0;
  #state: 'none' | 'planned' | 'ready' | 'given up' = 'none';

  /** @param failed told once; directories are made in the ordinary way from then on */
  constructor(
    readonly path: string,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Removes what an earlier server has left; what is not empty is not ours. */
  clear(): void {
    for (const name of readdirSync(this.path)) {
      try {
        rmdirSync(join(this.path, name));
      } catch (error) {
        if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'ENOTDIR')) throw error;
      }
    }
  }

  /** @returns false: there is none, or something stands at `target`, which a rename could replace */
  moveTo(target: string): boolean {
    if (this.#state !== 'ready' || lstatSync(target, { throwIfNoEntry: false }) !== undefined) return false;
    this.#state = 'none';
    try {
      renameSync(this.#directory, target);
      return true;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** In the next turn of the event loop. */
  makeSoon(): void {
    if (this.#state !== 'none') return;
    this.#state = 'planned';
    setImmediate(() => {
      try {
        // A new name each time: ext4 chooses the group of such a directory by its name (find_group_orlov()).
        this.#directory = join(this.path, `${process.pid}-${Date.now()}-${this.#number++}`);
        mkdirSync(this.#directory, { mode: 0o700 });
        this.#state = 'ready';
      } catch (error) {
        this.#state = 'given up';
        this.failed(error);
      }
    });
  }
}
