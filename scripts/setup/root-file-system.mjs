/**
 * The default root file system: assembled in well under a second, nothing downloaded. See root-file-system-recipe.mjs
 * for its content and docs/rootfs.md for what it means.
 *
 * Beside the directory lie `<directory>.mounts.json`, which names the host's directories that the daemon mounts into
 * every container read-only, and `<directory>.stamp`, a fingerprint of everything it was made from. A new one is built
 * beside the old and renamed into its place. The old one may still be the lower layer of live containers, so it is kept
 * until the next boot, which no container survives.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync, copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync,
  symlinkSync, writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  ACCOUNT_MASTERS, COPIED_FROM_ETC, DIRECTORIES, FRESH_FILES, LINKS, MERGED_DIRECTORIES, MINIMAL_ACCOUNTS, RECIPE_VERSION,
} from './root-file-system-recipe.mjs';
import { SetupError } from './setup-error.mjs';

/** @typedef {{ source: string, destination: string }} HostMount */

/**
 * Build the root file system unless the one that is there was made from the same things.
 * @param {string} directory absolute path
 * @param {string} [host] root of the tree it is made from; tests pass another
 * @returns {boolean} whether it was built
 */
export function prepareRootFileSystem(directory, host = '/') {
  const sources = findSources(host);
  const current = sourcesFingerprint(host, sources);
  const stamp = `${directory}.stamp`;
  if (isFile(stamp) && readFileSync(stamp, 'utf8') === current && isFile(`${directory}.mounts.json`) && isDirectory(directory)) return false;

  const parent = dirname(directory);
  mkdirSync(parent, { recursive: true, mode: 0o755 });
  requireOwnDirectory(parent);
  removeRetired(directory);
  const partial = `${directory}.partial-${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  try {
    const mounts = assemble(partial, host, sources);
    rmSync(stamp, { force: true });
    writeAtomically(`${directory}.mounts.json`, `${JSON.stringify({ version: 1, mounts }, undefined, 2)}\n`);
    replaceDirectory(partial, directory);
    writeAtomically(stamp, current);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return true;
}

/** @param {string} path */
function isFile(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** @param {string} path */
function isDirectory(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * The daemon runs what lies here as the root of every container: nobody else may be able to change it.
 * @param {string} path
 */
function requireOwnDirectory(path) {
  const { uid, mode } = lstatSync(path);
  if (uid === (process.geteuid?.() ?? 0) && (mode & 0o022) === 0) return;
  throw new SetupError(`${path} must belong to root and be writable by root only (owner ${uid}, mode ${(mode & 0o7777).toString(8)})`, {
    remedy: `chown root ${path} && chmod 755 ${path}`,
  });
}

/**
 * The host's files to copy, relative to its root, directories before what is in them.
 * @param {string} host
 * @returns {string[]}
 */
function findSources(host) {
  /** @type {string[]} */
  const found = [];
  const add = (/** @type {string} */ path) => {
    const state = lstatSync(join(host, path), { throwIfNoEntry: false });
    if (!state) return;
    // whatever the host keeps from its own users stays on the host
    if (!state.isSymbolicLink() && (state.mode & 0o004) === 0) return;
    if (state.isDirectory()) {
      found.push(path);
      for (const name of readdirSync(join(host, path)).sort()) add(join(path, name));
    } else if (state.isFile() || state.isSymbolicLink()) {
      found.push(path);
    }
  };
  for (const pattern of COPIED_FROM_ETC) {
    if (!pattern.includes('*')) {
      add(join('etc', pattern));
      continue;
    }
    const expression = new RegExp(`^${pattern.split('*').map((part) => part.replace(/[.\\]/g, '\\$&')).join('[^/]+')}$`);
    for (const name of readdirSync(join(host, 'etc')).sort()) if (expression.test(name)) add(join('etc', name));
  }
  return found;
}

/**
 * @param {string} host
 * @param {readonly string[]} sources
 */
function sourcesFingerprint(host, sources) {
  const hash = createHash('sha256').update(`recipe ${RECIPE_VERSION}`);
  const watched = [...sources, 'etc/localtime', ACCOUNT_MASTERS.passwd, ACCOUNT_MASTERS.group, ...MERGED_DIRECTORIES];
  for (const path of watched) {
    const state = lstatSync(join(host, path), { bigint: true, throwIfNoEntry: false });
    const link = state?.isSymbolicLink() ? readlinkSync(join(host, path)) : '';
    // a directory's own time says nothing that its entries do not, and top-level ones change for other reasons
    const time = state?.isDirectory() ? '' : state?.mtimeNs;
    hash.update(`\n${path} ${state ? `${state.mode} ${state.isDirectory() ? '' : state.size} ${time} ${link}` : 'absent'}`);
  }
  return `${hash.digest('hex')}\n`;
}

/**
 * @param {string} target a directory that does not exist
 * @param {string} host
 * @param {readonly string[]} sources
 * @returns {HostMount[]}
 */
function assemble(target, host, sources) {
  makeDirectory(target, 0o755);
  for (const [path, mode] of DIRECTORIES) makeDirectory(join(target, path), mode);
  for (const path of sources) copyEntry(join(host, path), join(target, path));
  for (const [path, destination] of LINKS) symlinkSync(destination, join(target, path));
  for (const [path, content] of FRESH_FILES) writeFile(join(target, path), content);
  for (const name of /** @type {const} */ (['passwd', 'group'])) {
    const master = join(host, ACCOUNT_MASTERS[name]);
    writeFile(join(target, 'etc', name), existsSync(master) ? readFileSync(master, 'utf8') : MINIMAL_ACCOUNTS[name]);
  }
  symlinkSync(timeZone(host), join(target, 'etc/localtime'));

  /** @type {HostMount[]} */
  const mounts = [{ source: join(host, 'usr'), destination: '/usr' }];
  for (const name of MERGED_DIRECTORIES) {
    const state = lstatSync(join(host, name), { throwIfNoEntry: false });
    if (state?.isSymbolicLink()) symlinkSync(readlinkSync(join(host, name)), join(target, name));
    if (state?.isDirectory()) {
      makeDirectory(join(target, name), 0o755);
      mounts.push({ source: join(host, name), destination: `/${name}` });
    }
  }
  return mounts;
}

/** @param {string} path @param {number} mode */
function makeDirectory(path, mode) {
  mkdirSync(path);
  chmodSync(path, mode); // mkdir's own mode goes through the umask
}

/** @param {string} path @param {string} content */
function writeFile(path, content) {
  writeFileSync(path, content, { flag: 'wx' });
  chmodSync(path, 0o644);
}

/** @param {string} source @param {string} target */
function copyEntry(source, target) {
  const state = lstatSync(source);
  if (!isDirectory(dirname(target))) mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
  if (state.isDirectory()) {
    if (!isDirectory(target)) makeDirectory(target, 0o755);
  } else if (state.isSymbolicLink()) {
    symlinkSync(readlinkSync(source), target);
  } else {
    copyFileSync(source, target);
    chmodSync(target, (state.mode & 0o111) === 0 ? 0o644 : 0o755);
  }
}

/**
 * Where /etc/localtime points: into the host's /usr, else to UTC.
 * @param {string} host
 */
function timeZone(host) {
  const link = join(host, 'etc/localtime');
  const utc = '/usr/share/zoneinfo/Etc/UTC';
  if (!lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) return utc;
  try {
    const resolved = realpathSync(link).slice(host === '/' ? 0 : realpathSync(host).length);
    return resolved.startsWith('/usr/') ? resolved : utc;
  } catch {
    return utc; // a dangling link
  }
}

/** @param {string} path @param {string} content */
function writeAtomically(path, content) {
  const temporary = `${path}.partial-${process.pid}`;
  rmSync(temporary, { force: true });
  writeFile(temporary, content);
  renameSync(temporary, path);
}

/** @param {string} partial @param {string} directory */
function replaceDirectory(partial, directory) {
  if (lstatSync(directory, { throwIfNoEntry: false })) renameSync(directory, `${directory}.retired-${bootId()}-${process.pid}-${Date.now()}`);
  renameSync(partial, directory);
}

/**
 * Remove what earlier boots left: retired root file systems and half-built ones.
 * @param {string} directory
 */
function removeRetired(directory) {
  const name = basename(directory);
  for (const entry of readdirSync(dirname(directory))) {
    const retired = entry.startsWith(`${name}.retired-`) && !entry.startsWith(`${name}.retired-${bootId()}-`);
    const partial = /\.partial-(\d+)$/.exec(entry);
    const abandoned = entry.startsWith(`${name}.`) && partial !== null && !existsSync(`/proc/${partial[1]}`);
    if (retired || abandoned) rmSync(join(dirname(directory), entry), { recursive: true, force: true });
  }
}

function bootId() {
  return createHash('sha256').update(readFileSync('/proc/sys/kernel/random/boot_id')).digest('hex').slice(0, 12);
}
