/** The files of a package, gathered in a directory with the modes and times that they will have when installed. */
import { chmodSync, lstatSync, lutimesSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Whatever the umask is. */
const DIRECTORY_MODE = 0o755;

export class Tree {
  /** @param {string} root an empty directory */
  constructor(root) {
    this.root = root;
    chmodSync(root, DIRECTORY_MODE);
  }

  /** @param {string} path in the tree */
  directory(path) {
    if (path === '.' || path === '/') return;
    this.directory(dirname(path));
    try {
      mkdirSync(join(this.root, path));
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    chmodSync(join(this.root, path), DIRECTORY_MODE);
  }

  /** @param {string} path @param {string | Uint8Array} content @param {number} [mode] */
  write(path, content, mode = 0o644) {
    this.directory(dirname(path));
    writeFileSync(join(this.root, path), content, { flag: 'wx' });
    chmodSync(join(this.root, path), mode);
  }

  /** Compressed as documentation is: the same bytes each time. @param {string} path @param {string} content */
  writeCompressed(path, content) {
    this.write(path, gzipSync(content, { level: 9 }));
  }

  /** @param {string} path @param {string} from a file @param {number} [mode] */
  copy(path, from, mode) {
    this.write(path, readFileSync(from), mode);
  }

  /** @param {string} path @param {string} target */
  link(path, target) {
    this.directory(dirname(path));
    symlinkSync(target, join(this.root, path));
  }

  /** Every entry that is no directory, with `/` before it. @returns {string[]} */
  list(path = '') {
    return readdirSync(join(this.root, path), { withFileTypes: true })
      .flatMap((entry) => (entry.isDirectory() ? this.list(join(path, entry.name)) : [`/${join(path, entry.name)}`])).sort();
  }

  /** Kibibytes, as Installed-Size counts them: each file rounded up, and one for every other entry. */
  size(path = '') {
    const state = lstatSync(join(this.root, path));
    if (!state.isDirectory()) return state.isFile() ? Math.ceil(state.size / 1024) : 1;
    /** @type {number} */
    const inside = readdirSync(join(this.root, path)).reduce((sum, name) => sum + this.size(join(path, name)), 0);
    return inside + 1;
  }

  /** @param {number} seconds since 1970 */
  setTimes(seconds, path = '') {
    const full = join(this.root, path);
    if (lstatSync(full).isDirectory()) for (const name of readdirSync(full)) this.setTimes(seconds, join(path, name));
    lutimesSync(full, seconds, seconds);
  }
}
