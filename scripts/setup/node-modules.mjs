/**
 * node_modules as package-lock.json wants it. npm leaves its own record in node_modules/.package-lock.json when an
 * installation is complete; comparing the two says whether `npm ci` is needed, whoever ran it last.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describeEnd, runProgram } from './program.mjs';
import { SetupError } from './setup-error.mjs';

const DEADLINE_MS = 15 * 60_000;
const COUNT_MS = 500;

/**
 * @typedef {{ version?: string, integrity?: string, link?: boolean, optional?: boolean, resolved?: string }} LockedPackage
 * @typedef {Record<string, LockedPackage>} LockedPackages
 */

/**
 * @param {string} path
 * @returns {LockedPackages | undefined} undefined when there is none
 */
function readLock(path) {
  try {
    return /** @type {{ packages: LockedPackages }} */ (JSON.parse(readFileSync(path, 'utf8'))).packages;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** @param {string} path */
function exists(path) {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/**
 * Why node_modules does not match package-lock.json, or undefined when it does.
 * @param {string} root the checkout
 * @returns {string | undefined}
 */
export function findNodeModulesDifference(root) {
  const wanted = readLock(join(root, 'package-lock.json'));
  if (!wanted) throw new SetupError(`${join(root, 'package-lock.json')} is missing or damaged`, { remedy: 'Restore it: git checkout package-lock.json' });
  const present = readLock(join(root, 'node_modules', '.package-lock.json'));
  if (!present) return 'not installed yet';
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes('node_modules/')) continue;
    const found = present[path];
    if (!found) {
      if (entry.optional) continue; // for another processor or system
      return `${path} is missing`;
    }
    if (found.version !== entry.version || found.integrity !== entry.integrity) return `${path} has another version`;
    if (!exists(join(root, path))) return `${path} is missing`;
  }
  for (const path of Object.keys(present)) {
    if (path.includes('node_modules/') && !wanted[path]) return `${path} is left over`;
  }
  return undefined;
}

/**
 * Run `npm ci`.
 * @param {string} root
 * @param {(text: string) => void} progress
 * @param {{ uid: number, gid: number, home: string } | undefined} user
 * @returns {Promise<number>} how many packages there are now
 */
export async function installNodeModules(root, progress, user) {
  const paths = Object.keys(readLock(join(root, 'package-lock.json')) ?? {}).filter((path) => path.includes('node_modules/'));
  const timer = setInterval(() => {
    progress(`${paths.filter((path) => exists(join(root, path))).length} of ${paths.length} packages`);
  }, COUNT_MS);
  try {
    const { program, args } = npmCommand();
    const result = await runProgram(program, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error', '--foreground-scripts'], {
      cwd: root,
      deadlineMs: DEADLINE_MS,
      env: buildEnvironment(user),
      ...(user ? { user } : {}),
    });
    if (result.status !== 0) {
      throw new SetupError(`npm ci ${describeEnd(result, DEADLINE_MS)}\n${indent(result.output)}`, {
        remedy: 'Check the network and npm\'s configuration (npm config list), then try again.',
      });
    }
    return paths.filter((path) => exists(join(root, path))).length;
  } finally {
    clearInterval(timer);
  }
}

/**
 * The npm that runs this script, else the one on the path.
 * @returns {{ program: string, args: string[] }}
 */
export function npmCommand() {
  const running = process.env['npm_execpath'];
  return running?.endsWith('.js') ? { program: process.execPath, args: [running] } : { program: 'npm', args: [] };
}

/**
 * The environment of npm and the compilers: without what the surrounding `npm start` set for its own script, and with
 * this Node first on the path.
 * @param {{ home: string } | undefined} user
 * @returns {NodeJS.ProcessEnv}
 */
export function buildEnvironment(user) {
  /** @type {NodeJS.ProcessEnv} */
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    // sudo keeps the caller's npm settings; the lifecycle's own variables would confuse the inner npm
    if (!/^npm_(?:lifecycle|package|command|node_execpath|execpath)/.test(name)) env[name] = value;
  }
  env['PATH'] = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin'}`;
  if (user) {
    env['HOME'] = user.home;
    delete env['npm_config_cache']; // root's
  }
  return env;
}

/** @param {string} text */
export function indent(text) {
  return text.split('\n').map((line) => `        ${line}`).join('\n');
}
