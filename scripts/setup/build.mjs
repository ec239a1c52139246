/**
 * Building the native programs (make) and TypeScript (tsc -b). Both are incremental by themselves; a fingerprint of the
 * sources (names, sizes, modification times) and a look at the outputs save even starting them when nothing changed.
 */
import { createHash } from 'node:crypto';
import { chownSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { buildEnvironment, indent } from './node-modules.mjs';
import { describeEnd, runProgram } from './program.mjs';
import { SetupError } from './setup-error.mjs';

const NATIVE_DEADLINE_MS = 10 * 60_000;
const TYPESCRIPT_DEADLINE_MS = 10 * 60_000;
const SKIPPED = new Set(['node_modules', 'dist', 'build', '.git']);

/** Folders with TypeScript in them, and whether sources lie in `src` (packages) or beside the configuration. */
const TYPESCRIPT_FOLDERS = ['packages/protocol', 'packages/client', 'packages/cli', 'packages/server', 'test', 'examples', 'bench'];

/** @typedef {{ uid: number, gid: number, home: string } | undefined} BuildUser */

/**
 * Every file below a folder, without what is built.
 * @param {string} folder
 * @returns {string[]} sorted paths
 */
export function listSources(folder) {
  /** @type {string[]} */
  const found = [];
  if (!existsSync(folder)) return found;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (SKIPPED.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...listSources(path));
    else if (entry.isFile() && !entry.name.endsWith('.tsbuildinfo')) found.push(path);
  }
  return found.sort();
}

/**
 * @param {readonly string[]} paths
 * @param {string} extra what else decides about the result
 */
export function fingerprint(paths, extra) {
  const hash = createHash('sha256').update(extra);
  for (const path of paths) {
    const { size, mtimeNs } = lstatSync(path, { bigint: true });
    hash.update(`\n${path} ${size} ${mtimeNs}`);
  }
  return hash.digest('hex');
}

/** @param {string} path */
function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/**
 * @param {string} path
 * @param {string} content
 * @param {BuildUser} user owner of the stamp
 */
function writeStamp(path, content, user) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  if (user) {
    chownSync(dirname(path), user.uid, user.gid);
    chownSync(path, user.uid, user.gid);
  }
}

/**
 * Build the native programs.
 * @param {string} root
 * @param {(text: string) => void} progress
 * @param {BuildUser} user
 * @param {readonly string[]} [targets] of native/Makefile; default: its first
 * @returns {Promise<boolean>} whether anything had to be built
 */
export async function buildNative(root, progress, user, targets = []) {
  const folder = join(root, 'native');
  const stamp = join(folder, 'build', `.stamp-${targets.join('-') || 'default'}`);
  const current = fingerprint(listSources(folder), process.arch);
  if (readStamp(stamp) === current) return false;
  let compiled = 0;
  const result = await runProgram('make', ['-C', folder, '--no-print-directory', '-j2', ...targets], {
    cwd: root,
    deadlineMs: NATIVE_DEADLINE_MS,
    env: withoutMakeFlags(buildEnvironment(user)),
    ...(user ? { user } : {}),
    onLine: () => progress(`${++compiled} commands`),
  });
  if (result.status !== 0) {
    throw new SetupError(`building the native programs: make ${describeEnd(result, NATIVE_DEADLINE_MS)}\n${indent(lastLines(result.output))}`, {
      remedy: 'The compiler\'s message above says where. A half-made build is removed by: make -C native clean',
    });
  }
  writeStamp(stamp, current, user);
  return true;
}

/** @param {NodeJS.ProcessEnv} env */
function withoutMakeFlags(env) {
  const { MAKEFLAGS: _flags, MAKELEVEL: _level, MFLAGS: _old, ...rest } = env;
  return rest;
}

/**
 * Source and output files of a TypeScript folder.
 * @param {string} root
 * @param {string} folder
 */
function layout(root, folder) {
  const sources = folder.startsWith('packages/') ? join(root, folder, 'src') : join(root, folder);
  return { sources, outputs: join(root, folder, 'dist') };
}

/**
 * Outputs whose source is gone. They must go too: a deleted test would otherwise run for ever.
 * @param {string} root
 * @returns {string[]}
 */
export function findOrphans(root) {
  return TYPESCRIPT_FOLDERS.flatMap((folder) => {
    const { sources, outputs } = layout(root, folder);
    return listSources(outputs).filter((path) => {
      const match = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(relative(outputs, path));
      if (!match?.[1]) return false;
      return !['.ts', '.tsx', '.js'].some((extension) => existsSync(join(sources, match[1] + extension)));
    });
  });
}

/**
 * Build TypeScript.
 * @param {string} root
 * @param {BuildUser} user
 * @returns {Promise<boolean>} whether anything had to be built
 */
export async function buildTypeScript(root, user) {
  const stamp = join(root, 'scripts', 'dist', 'typescript.stamp');
  const configurations = ['tsconfig.base.json', 'tsconfig.json', 'package-lock.json'].map((name) => join(root, name));
  const sources = [...TYPESCRIPT_FOLDERS, 'scripts'].flatMap((folder) => listSources(join(root, folder)));
  const current = fingerprint([...configurations, ...sources], '');
  if (readStamp(stamp) === current && TYPESCRIPT_FOLDERS.every((folder) => outputsExist(root, folder))) return false;

  for (const orphan of findOrphans(root)) rmSync(orphan);
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const result = await runProgram(process.execPath, [compiler, '-b'], {
    cwd: root,
    deadlineMs: TYPESCRIPT_DEADLINE_MS,
    env: buildEnvironment(user),
    ...(user ? { user } : {}),
  });
  if (result.status !== 0) {
    throw new SetupError(`building TypeScript: tsc ${describeEnd(result, TYPESCRIPT_DEADLINE_MS)}\n${indent(lastLines(result.output))}`);
  }
  if (!TYPESCRIPT_FOLDERS.every((folder) => outputsExist(root, folder))) {
    // tsc believes its own record (.tsbuildinfo) even when outputs were deleted behind its back
    const forced = await runProgram(process.execPath, [compiler, '-b', '--force'], {
      cwd: root,
      deadlineMs: TYPESCRIPT_DEADLINE_MS,
      env: buildEnvironment(user),
      ...(user ? { user } : {}),
    });
    if (forced.status !== 0) throw new SetupError(`building TypeScript: tsc ${describeEnd(forced, TYPESCRIPT_DEADLINE_MS)}\n${indent(forced.output)}`);
  }
  writeStamp(stamp, current, user);
  return true;
}

/** @param {string} root @param {string} folder */
function outputsExist(root, folder) {
  const { sources, outputs } = layout(root, folder);
  return listSources(sources).every((path) => {
    if (!path.endsWith('.ts') || path.endsWith('.d.ts')) return true;
    return existsSync(join(outputs, `${relative(sources, path).slice(0, -3)}.js`));
  });
}

/** @param {string} output */
function lastLines(output) {
  return output.split('\n').slice(-40).join('\n');
}
