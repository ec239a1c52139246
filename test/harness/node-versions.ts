/*
 * Other versions of Node with their types, of the npm packages `node` and `@types/node`: each fetched once, and kept below
 * /var/cache as the kernel of the virtual machine is.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './run-program.js';

export interface NodeVersion {
  readonly version: string;
  /** Of its types. */
  readonly types: string;
}

/** An installed one. */
export interface InstalledNode extends NodeVersion {
  readonly program: string;
  /** Its node_modules, with `@types/node` and what that needs. */
  readonly modules: string;
}

/** The oldest that the packages allow, and the newest of the other lines. */
export const nodeVersions: readonly NodeVersion[] = [
  { version: '20.19.0', types: '20.19.43' },
  { version: '22.23.3', types: '22.20.5' },
  { version: '24.19.0', types: '24.19.2' },
];

const CACHE = '/var/cache/warden-node';
const INSTALL_TIMEOUT_MS = 240_000;

/** @throws Error that says that the npm registry is needed, once, when it cannot be had */
export async function installNode({ version, types }: NodeVersion): Promise<InstalledNode> {
  const directory = join(CACHE, `${version}-types-${types}`);
  const modules = join(directory, 'node_modules');
  const program = join(modules, 'node/bin/node');
  if (!existsSync(program)) await fetchInto(directory, [`node@${version}`, `@types/node@${types}`]);
  return { version, types, program, modules };
}

/** Beside its place, and then moved: what is there is whole. */
async function fetchInto(directory: string, packages: readonly string[]): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const staging = mkdtempSync(join(CACHE, 'staging-'));
  try {
    writeFileSync(join(staging, 'package.json'), '{ "private": true }\n');
    const { status, signal, stdout, stderr } = await runProgram('npm', ['install', '--prefix', staging, '--no-audit', '--no-fund', '--no-save', '--foreground-scripts', ...packages], { cwd: staging, timeoutMs: INSTALL_TIMEOUT_MS });
    if (status !== 0 || !existsSync(join(staging, 'node_modules/node/bin/node'))) {
      throw new Error(`npm install ${packages.join(' ')}: ${signal ?? `exit status ${status}`}: this test needs the npm registry once, to try the client on other versions of Node; what it got is kept in ${CACHE}\n${stderr}${stdout}`);
    }
    // Headers and documents, as large as the program.
    rmSync(join(staging, 'node_modules/node/node_modules'), { recursive: true, force: true });
    rmSync(directory, { recursive: true, force: true });
    renameSync(staging, directory);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
