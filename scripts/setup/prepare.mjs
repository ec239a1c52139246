/**
 * From a fresh checkout to something that can run: what `npm start` and `npm test` have in common. Every part finds out
 * by itself, in milliseconds, whether there is anything to do.
 */
import { mkdirSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildNative, buildTypeScript } from './build.mjs';
import { findMissingPackages, installPackages } from './debian-packages.mjs';
import { checkKernel } from './kernel-checks.mjs';
import { findBuildUser, readOperatingSystem, requireNodeVersion, requireRoot } from './machine.mjs';
import { findNodeModulesDifference, installNodeModules } from './node-modules.mjs';
import { prepareRootFileSystem } from './root-file-system.mjs';
import { SetupError } from './setup-error.mjs';

/** The checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/**
 * @typedef {object} ServerPaths what set-up needs of the configuration
 * @property {string} socketPath
 * @property {string} depotPath
 * @property {string} rootfsPath
 * @property {{ file: string | null }} logging
 */

/**
 * Install and build everything.
 * @param {import('./steps.mjs').Steps} steps
 * @param {{ command: string, packages: readonly string[], nativeTargets?: readonly string[] }} options command: what the person typed
 */
export async function prepareCheckout(steps, { command, packages, nativeTargets = ['release'] }) {
  requireNodeVersion(process.versions.node);
  requireRoot(command);
  steps.line('ok', `${readOperatingSystem().name}, kernel ${release()}, Node ${process.versions.node}, ${process.arch}`);
  const user = findBuildUser(root);

  await steps.run('Debian packages', async (progress) => {
    const missing = await findMissingPackages(packages);
    if (missing === undefined) return { level: 'warn', text: `this is no Debian or Ubuntu; the equivalents of these must be installed: ${packages.join(' ')}` };
    if (missing.length === 0) return { text: `all ${packages.length} are installed` };
    const installed = await installPackages(missing, progress);
    return { text: `installed ${installed.join(' ')}` };
  });
  await steps.run('npm packages', async (progress) => {
    const difference = findNodeModulesDifference(root);
    if (difference === undefined) return { text: 'as in package-lock.json' };
    return { text: `${await installNodeModules(root, progress, user)} installed (${difference})` };
  });
  await steps.run('native programs', async (progress) => ({ text: (await buildNative(root, progress, user, nativeTargets)) ? 'built' : 'up to date' }));
  await steps.run('TypeScript', async () => ({ text: (await buildTypeScript(root, user)) ? 'built' : 'up to date' }));
}

/**
 * Read a configuration file, and what the environment changes of it, with the server's own loader.
 * @param {string} path
 * @returns {Promise<ServerPaths>}
 */
export async function readServerPaths(path) {
  const built = (/** @type {string} */ name) => import(pathToFileURL(join(root, 'packages/server/dist/config', name)).href);
  /** @type {{ configurationOf(layers: unknown): ServerPaths }} */
  const { configurationOf } = await built('load.js');
  /** @type {{ readLayers(sources: { configPath: string, settings: readonly string[], environment: NodeJS.ProcessEnv }): unknown }} */
  const { readLayers } = await built('sources.js');
  try {
    return configurationOf(readLayers({ configPath: path, settings: [], environment: process.env }));
  } catch (error) {
    throw new SetupError(error instanceof Error ? error.message : String(error), { remedy: 'docs/configuration.md describes every key.', cause: error });
  }
}

/**
 * Make the default root file system and the directories that the configuration names.
 * @param {import('./steps.mjs').Steps} steps
 * @param {ServerPaths} paths
 */
export async function prepareMachine(steps, paths) {
  await steps.run('root file system', async () => {
    const built = prepareRootFileSystem(paths.rootfsPath);
    return { text: `${paths.rootfsPath} ${built ? "assembled from this machine's /usr" : 'up to date'}` };
  });
  for (const directory of [paths.depotPath, dirname(paths.socketPath)]) mkdirSync(directory, { recursive: true, mode: 0o755 });
}

/**
 * One line per finding about the kernel.
 * @param {import('./steps.mjs').Steps} steps
 * @param {{ depotPath: string, rootfsPath: string }} paths
 * @throws {SetupError} when something that containers cannot do without is missing
 */
export async function reportKernel(steps, { depotPath, rootfsPath }) {
  const findings = await checkKernel({ depot: depotPath, rootfs: rootfsPath, mountCheck: join(root, 'native/build/release/mount-check') });
  for (const { level, text } of findings) steps.line(level, text);
  const failed = findings.filter(({ level }) => level === 'fail').length;
  if (failed > 0) throw new SetupError(`this machine lacks ${failed === 1 ? 'one thing' : `${failed} things`} that containers cannot do without: see the lines that begin with "fail"`);
}
