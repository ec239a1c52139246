/**
 * Which files of a kernel package hold the wanted modules, with what those need, in the order in which they have to be
 * loaded. A module names what it depends on in its section .modinfo (`depends=a,b`), so depmod is not needed.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../setup/setup-error.mjs';

/** @param {string} name of a file or module @returns {string} the kernel takes `-` and `_` for the same */
const canonical = (name) => name.replace(/^.*\//, '').replace(/\.ko(?:\.xz)?$/, '').replaceAll('-', '_');

/** @param {string} path @returns {Buffer} */
function readModule(path) {
  return path.endsWith('.xz') ? execFileSync('xz', ['--decompress', '--stdout', path], { maxBuffer: 256 << 20 }) : readFileSync(path);
}

/** @param {Buffer} content of a module @returns {string[]} */
export function dependenciesOf(content) {
  const field = Buffer.from('\0depends=');
  const at = content.indexOf(field);
  if (at < 0) return [];
  const from = at + field.length;
  return content.subarray(from, content.indexOf(0, from)).toString('latin1').split(',').filter((name) => name !== '').map(canonical);
}

/**
 * @param {string} directory lib/modules/VERSION of the package
 * @param {readonly string[]} wanted names; those that are built into the kernel need no file
 * @returns {{ name: string, content: Buffer }[]}
 * @throws {SetupError} when the kernel has one of them neither as a module nor built in
 */
export function collectModules(directory, wanted) {
  const files = new Map(readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ko(?:\.xz)?$/.test(name)).map((name) => [canonical(name), join(directory, name)]));
  const list = join(directory, 'modules.builtin');
  const builtIn = new Set(existsSync(list) ? readFileSync(list, 'utf8').split('\n').filter((line) => line !== '').map(canonical) : []);
  /** @type {Map<string, Buffer>} */
  const loaded = new Map();
  /** @type {string[]} */
  const missing = [];
  const add = (/** @type {string} */ name) => {
    if (loaded.has(name) || builtIn.has(name)) return;
    const path = files.get(name);
    if (path === undefined) {
      missing.push(name);
      return;
    }
    const content = readModule(path);
    for (const needed of dependenciesOf(content)) add(needed);
    loaded.set(name, content);
  };
  for (const name of wanted) add(canonical(name));
  if (missing.length > 0) throw new SetupError(`the kernel in ${directory} has no ${missing.join(', ')}, neither as a module nor built in`);
  return [...loaded].map(([name, content]) => ({ name, content }));
}
