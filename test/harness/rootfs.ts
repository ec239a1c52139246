/*
 * A root file system for tests, made in a few milliseconds: empty directories, the links of a merged /usr, two account
 * files, and beside it `<directory>.mounts.json`, by which the daemon mounts the host's /usr into it read-only.
 * Not the product's own default (scripts/setup), so that a test may do to it whatever it needs.
 */
import { chmodSync, copyFileSync, existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { repository } from './paths.js';
import type { Paths } from './configuration.js';
import { compileProbe } from './programs.js';

const DIRECTORIES: readonly [string, number][] = [
  ['dev', 0o755], ['etc', 0o755], ['home', 0o755], ['mnt', 0o755], ['proc', 0o555], ['root', 0o700], ['run', 0o755], ['sys', 0o555],
  ['tmp', 0o1777], ['usr', 0o755], ['var', 0o755], ['probes', 0o755],
];
const FILES: readonly [string, string][] = [
  ['etc/passwd', 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n'],
  ['etc/group', 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n'],
  ['etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\n'],
  // A directory that only the image's root may list, and a file of the image to try to change.
  ['root/secret', 'of the image\n'],
];

/** Probes compiled once for all test files. */
const PROBES = `${repository}/test/dist/probes`;

export interface RootfsOptions {
  /** Names of programs in test/attack/programs to put into /probes. */
  readonly probes?: readonly string[];
  /** Called with the new directory, to make it differ. */
  readonly change?: (directory: string) => void;
}

export async function buildRootfs(directory: string, options: RootfsOptions = {}): Promise<void> {
  mkdirSync(directory, { recursive: true });
  for (const [name, mode] of DIRECTORIES) {
    mkdirSync(join(directory, name));
    chmodSync(join(directory, name), mode);
  }
  for (const [name, content] of FILES) writeFileSync(join(directory, name), content);
  const mounts = [{ source: '/usr', destination: '/usr' }];
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    const state = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (state?.isSymbolicLink()) symlinkSync(readlinkSync(`/${name}`), join(directory, name));
    else if (state?.isDirectory()) {
      mkdirSync(join(directory, name));
      mounts.push({ source: `/${name}`, destination: `/${name}` });
    }
  }
  if (existsSync('/etc/ld.so.cache')) copyFileSync('/etc/ld.so.cache', join(directory, 'etc/ld.so.cache'));
  // A copy has none of the file capabilities that the host's ping may have: it works by net.ipv4.ping_group_range or not at all.
  copyFileSync('/usr/bin/ping', join(directory, 'probes/ping'));
  for (const probe of options.probes ?? []) await addProbe(directory, probe);
  options.change?.(directory);
  writeFileSync(`${directory}.mounts.json`, JSON.stringify({ version: 1, mounts }));
}

export async function addProbe(directory: string, name: string): Promise<void> {
  const program = await compileProbe(name, PROBES);
  const target = join(directory, 'probes', basename(program));
  copyFileSync(program, target);
  chmodSync(target, 0o755);
}

/** On the host, of one that the server's root file system was made with. */
export function probePath({ paths }: { readonly paths: Pick<Paths, 'rootfs'> }, name: string): string {
  return join(paths.rootfs, 'probes', name);
}
