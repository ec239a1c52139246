/*
 * The peers' packages, from Debian, for `--peers` alone: what this machine does not have is downloaded by name and unpacked below a cache directory, never
 * installed. Nothing is upgraded for it, no script of a package runs, no service starts; worlds have the files as a layer below their /usr and /etc.
 */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { repository } from '../paths.js';

const CACHE = '/var/cache/warden-bench-peers';
/** Beside the files: which packages they are of. */
const LIST = '.packages';
const APT_MS = 5 * 60_000;
const UNPACK_MS = 2 * 60_000;
const QUERY_MS = 30_000;
/** Where a package may name a directory that is a link to the one in /usr. */
const MERGED = ['bin', 'sbin', 'lib', 'lib64'];

interface Program {
  runProgram(program: string, args: readonly string[], options: { deadlineMs: number; cwd?: string; env?: NodeJS.ProcessEnv }): Promise<{ status: number | null; output: string }>;
}

export interface Package { readonly name: string; readonly version: string }
export interface Wanted { readonly name: string; readonly packages: readonly string[] }

export interface PeerPackages {
  /** To lay below the host's; undefined: the machine has everything. */
  readonly tree: string | undefined;
  /** For peers whose packages could not be had, why. */
  readonly failures: Map<string, string>;
  /** Of a package, as its authors count. */
  version(name: string): string;
}

/** Of `apt-get --simulate install`: what would be installed, in order. */
export function parseSimulation(output: string): Package[] {
  return [...output.matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) /gm)].map(([, name = '', version = '']) => ({ name, version }));
}

/** Of a Debian version, what the program's authors call it: 1:5.0.2-1+deb12u4 is 5.0.2, and 1.1.5+ds1-1+deb12u1 is 1.1.5. */
export function upstreamVersion(version: string): string {
  return version.replace(/^\d+:/, '').replace(/-[^-]*$/, '').replace(/[+~](?:ds|dfsg|really).*$/, '');
}

/** Of what apt printed, the line that tells what was wrong. */
export function firstError(output: string): string {
  return /^E: (.*)$/m.exec(output)?.[1] ?? output.trim().split('\n').at(-1) ?? '';
}

async function run(program: string, args: readonly string[], deadlineMs: number, cwd = '/'): Promise<string> {
  const { runProgram } = await import(pathToFileURL(`${repository}/scripts/setup/program.mjs`).href) as Program;
  const { status, output } = await runProgram(program, args, { deadlineMs, cwd, env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' } });
  if (status !== 0) throw new Error(`${program} ${args[0] ?? ''}: ${firstError(output)}`);
  return output;
}

async function simulate(packages: readonly string[]): Promise<Package[]> {
  return parseSimulation(await run('apt-get', ['--simulate', '--no-install-recommends', 'install', ...packages], APT_MS));
}

async function download(packages: readonly Package[], directory: string): Promise<void> {
  // root downloads as itself: the directory need not be readable for apt's own user
  const names = packages.map(({ name, version }) => `${name}=${version}`);
  await run('apt-get', ['--quiet', '-o', 'APT::Sandbox::User=root', 'download', ...names], APT_MS, directory);
}

/** Makes links of what packages bring as directories of their own and this machine has in /usr, and the one link that a script of a package would make. */
async function settle(tree: string): Promise<void> {
  for (const name of MERGED) {
    if (!existsSync(`${tree}/${name}`) || !lstatSync(`/${name}`).isSymbolicLink()) continue;
    mkdirSync(`${tree}/usr/${name}`, { recursive: true });
    await run('cp', ['--archive', '--link', '--no-clobber', `${tree}/${name}/.`, `${tree}/usr/${name}`], UNPACK_MS);
    rmSync(`${tree}/${name}`, { recursive: true });
  }
  if (existsSync(`${tree}/usr/sbin/xtables-nft-multi`)) symlinkSync('xtables-nft-multi', `${tree}/usr/sbin/iptables`);
}

const lineOf = ({ name, version }: Package): string => `${name} ${version}`;

/** Whether a list of what was unpacked has these packages in these versions. */
export function hasAll(list: string, packages: readonly Package[]): boolean {
  const lines = new Set(list.split('\n'));
  return packages.every((entry) => lines.has(lineOf(entry)));
}

/** What was unpacked before, when it has all of these: with a selection of peers they are fewer. */
function unpackedBefore(packages: readonly Package[]): string | undefined {
  if (!existsSync(CACHE)) return undefined;
  const trees = readdirSync(CACHE).filter((entry) => entry.endsWith(LIST)).map((entry) => `${CACHE}/${entry.slice(0, -LIST.length)}`);
  return trees.find((tree) => existsSync(tree) && hasAll(readFileSync(`${tree}${LIST}`, 'utf8'), packages));
}

async function unpack(packages: readonly Package[]): Promise<string> {
  const before = unpackedBefore(packages);
  if (before !== undefined) return before;
  const list = packages.map(lineOf).sort().join('\n');
  const tree = `${CACHE}/${createHash('sha256').update(list).digest('hex').slice(0, 16)}`;
  // Other versions, and what a killed run left.
  rmSync(CACHE, { recursive: true, force: true });
  const partial = `${tree}.partial`;
  mkdirSync(partial, { recursive: true, mode: 0o755 });
  process.stderr.write(`downloading and unpacking, not installing: ${packages.map(({ name }) => name).join(' ')}\n`);
  await download(packages, partial);
  for (const archive of readdirSync(partial).filter((entry) => entry.endsWith('.deb'))) {
    await run('dpkg-deb', ['--extract', archive, '.'], UNPACK_MS, partial);
    rmSync(`${partial}/${archive}`);
  }
  await settle(partial);
  writeFileSync(`${tree}${LIST}`, list);
  renameSync(partial, tree);
  return tree;
}

/** Those of all peers together; when there is one that apt does not have, of those that can be had. */
async function resolve(peers: readonly Wanted[], failures: Map<string, string>): Promise<Package[]> {
  try {
    return await simulate(peers.flatMap(({ packages }) => packages));
  } catch {
    // Lists may be older than what they list, or not there at all.
    await run('apt-get', ['--quiet', 'update'], APT_MS).catch(() => undefined);
  }
  for (const { name, packages } of peers) {
    await simulate(packages).catch((error: unknown) => failures.set(name, `its packages cannot be had: ${error instanceof Error ? error.message : String(error)}`));
  }
  const left = peers.filter(({ name }) => !failures.has(name));
  return left.length === 0 ? [] : await simulate(left.flatMap(({ packages }) => packages));
}

export async function preparePackages(peers: readonly Wanted[]): Promise<PeerPackages> {
  const failures = new Map<string, string>();
  const versions = new Map<string, string>();
  let tree: string | undefined;
  try {
    const missing = await resolve(peers, failures);
    if (missing.length > 0) tree = await unpack(missing);
    const present = peers.filter(({ name }) => !failures.has(name)).flatMap(({ packages }) => packages).filter((entry) => missing.every(({ name }) => name !== entry));
    const installed = present.length === 0 ? '' : await run('dpkg-query', ['--show', '--showformat', '${Package} ${Version}\\n', ...present], QUERY_MS);
    for (const [name = '', version = ''] of installed.trim().split('\n').map((line) => line.split(' '))) versions.set(name, version);
    for (const { name, version } of missing) versions.set(name, version);
  } catch (error) {
    for (const { name } of peers) failures.set(name, `its packages cannot be had: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { tree, failures, version: (name) => upstreamVersion(versions.get(name) ?? 'unknown') };
}
