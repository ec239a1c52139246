/**
 * `npm run package:deb [-- --output DIRECTORY] [--version VERSION] [--compression xz|gzip|none]`: a Debian package of what is built, by dpkg-deb alone.
 * No root rights are needed. The same checkout makes the same package when SOURCE_DATE_EPOCH says the same time; without it that is the last commit's.
 */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../setup/prepare.mjs';
import { describeEnd, runProgram } from '../setup/program.mjs';
import { SetupError } from '../setup/setup-error.mjs';
import { addContents, nativePrograms } from './contents.mjs';
import { Tree } from './tree.mjs';

const DEADLINE_MS = 5 * 60_000;
const NODE_VERSION = '20.19';
const SCRIPTS = ['postinst', 'prerm', 'postrm'];

/**
 * The standard output of a program that has to succeed.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, remedy?: string }} [options]
 */
async function outputOf(program, args, { cwd = root, env = process.env, remedy } = {}) {
  let text = '';
  const onLine = (/** @type {string} */ line, /** @type {string} */ source) => { if (source === 'stdout') text += `${line}\n`; };
  const result = await runProgram(program, args, { deadlineMs: DEADLINE_MS, cwd, env: { ...env, LC_ALL: 'C' }, onLine });
  if (result.status !== 0) throw new SetupError(`${program} ${args[0]} ${describeEnd(result, DEADLINE_MS)}: ${result.output}`, remedy === undefined ? undefined : { remedy });
  return text.trim();
}

/** Seconds since 1970 that the package is of. */
async function releaseTime() {
  const wanted = process.env['SOURCE_DATE_EPOCH'];
  if (wanted !== undefined && /^\d+$/.test(wanted)) return Number(wanted);
  const commit = await runProgram('git', ['-C', root, 'log', '-1', '--format=%ct'], { deadlineMs: DEADLINE_MS });
  return commit.status === 0 && /^\d+$/.test(commit.output) ? Number(commit.output) : Math.floor(Date.now() / 1000);
}

/**
 * The packages that the dynamic programs' libraries are in, by dpkg's own records.
 * @param {Tree} tree
 * @param {string} workspace
 */
async function libraryDependencies(tree, workspace) {
  const scratch = new Tree(join(workspace, 'libraries'));
  scratch.write('debian/control', 'Source: warden\n\nPackage: warden\nArchitecture: any\n');
  const programs = nativePrograms().map((name) => join(tree.root, 'usr/lib/warden/native/build/release', name));
  const text = await outputOf('dpkg-shlibdeps', ['-O', '--warnings=0', ...programs.map((path) => `-e${path}`)], { cwd: scratch.root, remedy: 'apt-get install dpkg-dev' });
  return text.replace(/^shlibs:Depends=/m, '').trim();
}

/** @param {Tree} tree @param {string} workspace @param {{ debianVersion: string, maintainer: string, architecture: string }} release */
async function addControl(tree, workspace, { debianVersion, maintainer, architecture }) {
  const libraries = await libraryDependencies(tree, workspace);
  const files = tree.list();
  const size = tree.size();
  const sums = files.filter((path) => lstatSync(join(tree.root, path)).isFile() && !path.startsWith('/etc/'))
    .map((path) => `${createHash('md5').update(readFileSync(join(tree.root, path))).digest('hex')}  ${path.slice(1)}\n`);
  const values = new Map(Object.entries({ VERSION: debianVersion, ARCHITECTURE: architecture, MAINTAINER: maintainer, SIZE: String(size), LIBRARIES: libraries, NODE: NODE_VERSION }));
  tree.write('DEBIAN/control', readFileSync(join(root, 'packaging/debian/control'), 'utf8').replace(/@(\w+)@/g, (whole, key) => values.get(key) ?? whole));
  tree.write('DEBIAN/conffiles', files.filter((path) => path.startsWith('/etc/')).map((path) => `${path}\n`).join(''));
  tree.write('DEBIAN/md5sums', sums.join(''));
  for (const name of SCRIPTS) tree.copy(`DEBIAN/${name}`, join(root, 'packaging/debian', name), 0o755);
}

/** Debian asks for a person; DEBFULLNAME and DEBEMAIL are where its tools look for one. */
function maintainerName() {
  const { DEBFULLNAME: name, DEBEMAIL: address } = process.env;
  return name !== undefined && address !== undefined ? `${name} <${address}>` : 'The authors of warden <root@localhost>';
}

/**
 * @param {{ output: string, version?: string, compression: string }} options
 * @returns {Promise<string>} the package's path
 */
export async function buildPackage({ output, version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version, compression }) {
  for (const path of ['packages/server/dist/main.js', 'packages/cli/dist/main.js', 'native/build/release/seccomp.bpf']) {
    if (!existsSync(join(root, path))) throw new SetupError(`${path} is not there: this checkout is not built`, { remedy: 'npm ci && npm run build' });
  }
  if (!/^\d[A-Za-z0-9.+~]*$/.test(version)) throw new SetupError(`${JSON.stringify(version)} is no version of a Debian package`);
  const architecture = await outputOf('dpkg', ['--print-architecture']);
  const release = { version, debianVersion: `${version}-1`, maintainer: maintainerName(), seconds: await releaseTime(), architecture };
  const workspace = mkdtempSync(join(tmpdir(), 'warden-package-'));
  try {
    for (const name of ['tree', 'libraries']) mkdirSync(join(workspace, name));
    const tree = new Tree(join(workspace, 'tree'));
    await addContents(tree, release);
    await addControl(tree, workspace, release);
    tree.setTimes(release.seconds);
    mkdirSync(output, { recursive: true });
    const path = join(output, `warden_${release.debianVersion}_${architecture}.deb`);
    await outputOf('dpkg-deb', ['--root-owner-group', `-Z${compression}`, '--build', tree.root, path], { env: { ...process.env, SOURCE_DATE_EPOCH: String(release.seconds) } });
    return path;
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

/** @param {readonly string[]} argv */
function parseCommandLine(argv) {
  const { values } = parseArgs({ args: [...argv], options: { output: { type: 'string' }, version: { type: 'string' }, compression: { type: 'string' } } });
  return { output: values.output ?? join(root, 'dist'), compression: values.compression ?? 'xz', ...(values.version === undefined ? {} : { version: values.version }) };
}

try {
  process.stdout.write(`${await buildPackage(parseCommandLine(process.argv.slice(2)))}\n`);
} catch (error) {
  const { message, remedy } = /** @type {SetupError} */ (error);
  process.stderr.write(`warden: ${message}\n${remedy === undefined ? '' : `        ${remedy}\n`}`);
  process.exitCode = 1;
}
