/**
 * `npm run start:insecure`, as any user: a wardend of plain processes (docs/insecure.md) with its REPL, as scripts/start.mjs does it for containers. Builds what it needs, in a
 * checkout that is the user's; in somebody else's it takes what is built.
 */
import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildNative, buildTypeScript } from './setup/build.mjs';
import { requireNodeVersion } from './setup/machine.mjs';
import { findNodeModulesDifference, installNodeModules } from './setup/node-modules.mjs';
import { readServerPaths, root } from './setup/prepare.mjs';
import { handleSignals, runSession } from './setup/session.mjs';
import { SetupError } from './setup/setup-error.mjs';
import { Steps } from './setup/steps.mjs';

/** Depot, socket, log and configuration. */
function directory() {
  const { WARDEN_DIRECTORY: chosen, XDG_STATE_HOME: state } = process.env;
  if (chosen) return resolve(chosen);
  return join(state ? state : join(homedir(), '.local/state'), 'warden');
}

/** @param {string} path */
function canWrite(path) {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {Steps} steps */
async function build(steps) {
  if (!canWrite(root)) {
    steps.line('ok', `${root} is somebody else's: what is built there is used`);
    return;
  }
  await steps.run('npm packages', async (progress) => {
    const difference = findNodeModulesDifference(root);
    if (difference === undefined) return { text: 'as in package-lock.json' };
    return { text: `${await installNodeModules(root, progress, undefined)} installed (${difference})` };
  });
  await steps.run('native programs', async (progress) => ({ text: (await buildNative(root, progress, undefined, ['plain'])) ? 'built' : 'up to date' }));
  await steps.run('TypeScript', async () => ({ text: (await buildTypeScript(root, undefined)) ? 'built' : 'up to date' }));
}

/**
 * The configuration, which is the user's from then on.
 * @param {string} path
 * @param {string} place
 */
function writeConfiguration(path, place) {
  if (existsSync(path)) return;
  writeFileSync(path, `# Plain processes: docs/insecure.md. Every other key: docs/configuration.md.
server:
  container_klass: Insecure
  container_depot_path: ${JSON.stringify(join(place, 'depot'))}
  unix_domain_path: ${JSON.stringify(join(place, 'warden.sock'))}
  unix_domain_permissions: 0600
health_check_server:
  port: 0
`);
}

/** @param {Steps} steps */
async function main(steps) {
  const begun = performance.now();
  requireNodeVersion(process.versions.node);
  if (process.geteuid?.() === 0) {
    throw new SetupError('plain processes of root could do everything on this machine', { remedy: 'Start it as another user; or start containers: npm start' });
  }
  await build(steps);
  const place = directory();
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const configuration = join(place, 'config.yml');
  writeConfiguration(configuration, place);
  const { socketPath, logging } = await readServerPaths(configuration);
  steps.line('warn', 'plain processes are not isolated from this machine, or limited: only for what you would run yourself');
  return await runSession(steps, { root, configuration, socketPath, logPath: join(place, 'wardend.log'), logFile: logging.file, begun });
}

const steps = new Steps();
handleSignals();
try {
  process.exitCode = await main(steps);
} catch (error) {
  steps.failure(error);
  process.exitCode = 1;
}
