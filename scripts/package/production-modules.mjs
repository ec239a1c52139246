/** The npm packages that the installed programs need, found as Node finds them, and of each the files that run. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { SetupError } from '../setup/setup-error.mjs';

/** Code, and what says under which terms it is given. */
const WANTED = /\.(?:js|mjs|cjs|json)$|^(?:LICEN[CS]E|COPYING|NOTICE)(?:[.-].*)?$/i;
/** Folders of a package, at its top, that no program needs. */
const UNWANTED = new Set(['test', 'tests', 'docs', 'doc', 'examples', 'example', 'bench', 'benchmark', 'benchmarks', 'browser', '.github']);

/** @typedef {{ name: string, directory: string, version: string, license: string, dependencies: string[] }} NodeModule */

/** @param {string} directory @returns {NodeModule} */
function readModule(directory) {
  const { name, version, license, dependencies } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  return { name, directory, version, license: license ?? 'see its files', dependencies: Object.keys(dependencies ?? {}) };
}

/**
 * Where a package finds another: in its own node_modules, or in one above.
 * @param {string} from directory
 * @param {string} name
 * @param {string} top
 */
function resolveModule(from, name, top) {
  for (let at = from; ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (at === top || at === dirname(at)) break;
  }
  throw new SetupError(`${relative(top, from)} needs the npm package ${name}, which is not installed`, { remedy: 'npm ci' });
}

/**
 * @param {string} top a checkout with node_modules
 * @param {readonly string[]} packages directories in it whose dependencies are wanted
 * @returns {NodeModule[]} those of others, by their places, each once; our own packages are left out
 */
export function findProductionModules(top, packages) {
  /** @type {Map<string, NodeModule>} */
  const found = new Map();
  /** @param {NodeModule} needing */
  const visit = (needing) => {
    for (const name of needing.dependencies.filter((dependency) => !dependency.startsWith('warden-'))) {
      const directory = resolveModule(needing.directory, name, top);
      if (found.has(directory)) continue;
      const module = readModule(directory);
      found.set(directory, module);
      visit(module);
    }
  };
  for (const path of packages) visit(readModule(join(top, path)));
  return [...found.values()].sort((left, right) => (left.directory < right.directory ? -1 : 1));
}

/**
 * @param {string} directory of a package
 * @returns {string[]} paths in it, sorted
 */
export function filesOfModule(directory, inside = '') {
  return readdirSync(join(directory, inside), { withFileTypes: true }).flatMap((entry) => {
    const path = join(inside, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' || (inside === '' && UNWANTED.has(entry.name)) ? [] : filesOfModule(directory, path);
    return entry.isFile() && WANTED.test(entry.name) && !/\.test\.[cm]?js$/.test(entry.name) ? [path] : [];
  }).sort();
}
