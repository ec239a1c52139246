/**
 * `npm run test:compatibility -- [--socket PATH] [--as insecure|original] [--without NAME,…] [PATTERN …]`: the tests of test/e2e/compatibility
 * against a server that runs already, of whatever make. They know nothing of it but its socket, and touch no container that they have not made.
 * Needs no root where the server asks for none, installs nothing, and builds what is not built. The closing line is that of `npm test`.
 */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildTypeScript } from './setup/build.mjs';
import { findBuildUser, requireNodeVersion } from './setup/machine.mjs';
import { root } from './setup/prepare.mjs';
import { SetupError } from './setup/setup-error.mjs';
import { Steps } from './setup/steps.mjs';
import { TestReporter } from './test-reporter.mjs';

const FILE_DEADLINE_MS = 5 * 60_000;
const FOLDER = 'test/dist/e2e/compatibility';

const USAGE = `usage: npm run test:compatibility -- [--socket PATH] [--as NAME] [--without NAME,...] [PATTERN ...]

  --socket PATH        of the server; $WARDEN_SOCKET, or /run/warden/warden.sock, unless given
  --as insecure        leave out what a server with container_klass Insecure does not have
  --as original        leave out what the server of 2012 did not do
  --without NAME,...   leave out the tests of what the server lacks (--list shows the names)
  --list               show the names, and end
  PATTERN              only files whose name contains one of these
`;

/**
 * @param {readonly string[]} argv
 * @param {NodeJS.ProcessEnv} environment
 * @param {{ capabilities: Readonly<Record<string, string>>, profiles: Readonly<Record<string, readonly string[]>> }} known
 * @returns {{ socket: string, without: string[], list: boolean, help: boolean, patterns: string[] }}
 */
export function readOptions(argv, environment, { capabilities, profiles }) {
  const { values, positionals } = parseArgs({
    args: [...argv], allowPositionals: true,
    options: { socket: { type: 'string' }, as: { type: 'string' }, without: { type: 'string', multiple: true }, list: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  const profile = values.as === undefined ? [] : profiles[values.as];
  if (profile === undefined) throw new SetupError(`--as ${values.as}: there is no such kind of server`, { remedy: `Kinds: ${Object.keys(profiles).join(', ')}.` });
  const without = [...new Set([...profile, ...(values.without ?? []).flatMap((names) => names.split(',')).filter((name) => name !== '')])];
  for (const name of without) {
    if (!Object.hasOwn(capabilities, name)) throw new SetupError(`--without ${name}: there is no such capability`, { remedy: `Names: ${Object.keys(capabilities).join(', ')}.` });
  }
  return {
    socket: values.socket ?? (environment['WARDEN_SOCKET'] || '/run/warden/warden.sock'), without,
    list: values.list === true, help: values.help === true, patterns: positionals,
  };
}

/** @param {string} path */
function mayWrite(path) {
  try {
    accessSync(existsSync(path) ? path : root, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {Steps} steps */
async function build(steps) {
  requireNodeVersion(process.versions.node);
  if (!existsSync(join(root, 'node_modules/typescript'))) throw new SetupError('the npm packages are missing', { remedy: 'npm ci' });
  // Whoever may not write here takes what is built.
  if (mayWrite(join(root, 'scripts/dist')) && mayWrite(join(root, 'test'))) await steps.run('TypeScript', async () => ({ text: (await buildTypeScript(root, findBuildUser(root))) ? 'built' : 'up to date' }));
}

/**
 * @param {Steps} steps
 * @param {readonly string[]} argv
 * @returns {Promise<number>} exit status
 */
async function main(steps, argv) {
  if (argv.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  await build(steps);
  const known = /** @type {{ CAPABILITIES: Record<string, string>, PROFILES: Record<string, string[]> }} */ (await import(pathToFileURL(join(root, 'test/dist/harness/capabilities.js')).href));
  const options = readOptions(argv, process.env, { capabilities: known.CAPABILITIES, profiles: known.PROFILES });
  if (options.list) {
    for (const [name, what] of Object.entries(known.CAPABILITIES)) process.stdout.write(`${name.padEnd(12)} ${what}\n`);
    return 0;
  }
  const files = readdirSync(join(root, FOLDER)).filter((name) => name.endsWith('.test.js') && (options.patterns.length === 0 || options.patterns.some((pattern) => name.includes(pattern))));
  if (files.length === 0) throw new SetupError(`no file's name contains ${options.patterns.join(' or ')}`);
  process.env['WARDEN_COMPATIBILITY_SOCKET'] = options.socket;
  process.env['WARDEN_COMPATIBILITY_WITHOUT'] = options.without.join();
  for (const name of options.without) process.stdout.write(`left out: ${known.CAPABILITIES[name]} (${name})\n`);
  const reporter = new TestReporter({ root, total: files.length, mustRun: true });
  for (const name of files) {
    const file = join(root, FOLDER, name);
    reporter.begin(file);
    for await (const event of run({ files: [file], concurrency: 1, signal: AbortSignal.timeout(FILE_DEADLINE_MS) })) reporter.handle(file, event);
    reporter.end(file);
  }
  return reporter.finish() ? 0 : 1;
}

if (process.argv[1] === import.meta.filename) {
  const steps = new Steps();
  try {
    process.exitCode = await main(steps, process.argv.slice(2));
  } catch (error) {
    steps.failure(error);
    process.stdout.write('0 passed, 1 failed, 0 skipped\n');
    process.exitCode = 1;
  }
}
