/**
 * The disk that the test machine has as its root: an ext4 image with the programs of some of this machine's Debian
 * packages, the libraries that those are linked with, Node, and the built project. ext4, because a container mounts /usr
 * idmapped, which 9p cannot be.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, copyFileSync, cpSync, existsSync, lstatSync, mkdirSync, openSync, readlinkSync, readSync, realpathSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describeEnd, runProgram } from '../setup/program.mjs';
import { SetupError } from '../setup/setup-error.mjs';

/** Whose files are in the image; `a|b`: whichever is installed. Programs that jobs of the tests use, and those that the tests use themselves. */
export const IMAGE_PACKAGES = [
  'base-files', 'bash', 'dash', 'coreutils', 'util-linux', 'mount', 'grep', 'sed', 'mawk|gawk', 'findutils', 'diffutils', 'tar', 'gzip', 'zstd', 'hostname', 'procps', 'libc-bin', 'libc6',
  'iproute2', 'nftables', 'iputils-ping', 'e2fsprogs', 'xfsprogs', 'btrfs-progs',
  'python3-minimal', 'libpython3-stdlib', 'perl-base',
];
/** And the versioned packages behind those. */
const VERSIONED = /^(?:python3\.\d+-minimal|libpython3\.\d+-(?:minimal|stdlib))$/;
const LEFT_OUT = /^\/(?:usr\/share\/(?:doc|man|locale|info|lintian|bug|common-licenses)|usr\/lib\/python3\.\d+\/(?:test|idlelib|ensurepip|lib2to3))\//;
const ETC = ['passwd', 'group', 'nsswitch.conf', 'hosts', 'resolv.conf', 'protocols', 'services', 'mke2fs.conf', 'ld.so.cache', 'ld.so.conf', 'login.defs', 'debian_version', 'os-release'];
const EMPTY_DIRECTORIES = ['dev', 'proc', 'sys', 'run', 'tmp', 'root', 'mnt', 'home', 'vm', 'var/tmp', 'var/lib', 'var/log', 'var/cache'];
/** Of the checkout, what tests need to run; node_modules without the compiler. */
const PROJECT = ['bin', 'config', 'packages', 'node_modules', 'native/build/release', 'native/build/faults', 'test', 'scripts', 'package.json'];
const NOT_OF_PROJECT = /\/node_modules\/(?:typescript|@typescript|@types|\.bin|\.cache)(?:\/|$)|\/src\/|\.tsbuildinfo$|\.d\.ts$/;
export const PROJECT_IN_IMAGE = '/warden';
const MEBIBYTE = 1 << 20;
const FREE_MIB = 256;
const DEADLINE_MS = 2 * 60_000;

/** @param {string} program @param {readonly string[]} args */
async function run(program, args) {
  const result = await runProgram(program, args, { deadlineMs: DEADLINE_MS, env: { ...process.env, LC_ALL: 'C' } });
  if (result.status !== 0) throw new SetupError(`${program} ${args.join(' ')}: ${describeEnd(result, DEADLINE_MS)}: ${result.output.trim()}`);
}

/** @returns {string[]} of all files and directories of the packages */
function filesOfPackages() {
  const installed = new Set(execFileSync('dpkg-query', ['--show', '--showformat', '${Package} ${db:Status-Status}\n'], { encoding: 'utf8', maxBuffer: 64 * MEBIBYTE })
    .split('\n').flatMap((line) => (line.endsWith(' installed') ? [line.split(' ')[0] ?? ''] : [])));
  const names = IMAGE_PACKAGES.flatMap((entry) => {
    const name = entry.split('|').find((candidate) => installed.has(candidate));
    if (name === undefined) throw new SetupError(`the package ${entry} is not installed, of which the test machine's disk is made`);
    return [name];
  });
  const all = [...new Set([...names, ...[...installed].filter((name) => VERSIONED.test(name))])];
  const listed = execFileSync('dpkg-query', ['--listfiles', ...all], { encoding: 'utf8', maxBuffer: 64 * MEBIBYTE }).split('\n');
  return [...new Set(listed.filter((path) => path.startsWith('/') && path !== '/.' && !LEFT_OUT.test(`${path}/`)))];
}

/** @param {string} path @returns {boolean} whether it is a regular file that begins like an ELF program */
function isElf(path) {
  const file = openSync(path, 'r');
  try {
    const magic = Buffer.alloc(4);
    return readSync(file, magic, 0, 4, 0) === 4 && magic.toString('latin1') === '\x7fELF';
  } finally {
    closeSync(file);
  }
}

/** @param {readonly string[]} programs @returns {string[]} the libraries that they are linked with, by the paths that the loader finds */
function librariesOf(programs) {
  const output = execFileSync('sh', ['-c', 'ldd "$@" 2>/dev/null || true', 'ldd', ...programs], { encoding: 'utf8', maxBuffer: 64 * MEBIBYTE });
  return [...new Set([...output.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? ''))];
}

/** Copies files of this machine into a directory, each at its real path, and the symbolic links on the way. */
class Stage {
  /** @param {string} directory */
  constructor(directory) {
    this.directory = directory;
  }

  /** @param {string} path absolute */
  add(path) {
    const parent = realpathSync(dirname(path));
    const real = join(parent, basename(path));
    const target = join(this.directory, real);
    const state = lstatSync(real, { throwIfNoEntry: false });
    if (state === undefined) return;
    if (state.isDirectory()) {
      mkdirSync(target, { recursive: true });
      return;
    }
    if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) return;
    mkdirSync(dirname(target), { recursive: true });
    if (state.isSymbolicLink()) {
      const link = readlinkSync(real);
      symlinkSync(link, target);
      const next = join(link.startsWith('/') ? '/' : parent, link);
      if (existsSync(next)) this.add(next);
    } else if (state.isFile()) {
      copyFileSync(real, target);
      utimesSync(target, state.atime, state.mtime);
    }
  }
}

/**
 * @param {object} options
 * @param {string} options.project the checkout, built
 * @param {string} options.directory where to work, empty, with room for twice the image
 * @param {Readonly<Record<string, string>>} options.files more files, by their paths in the image; executable
 * @returns {Promise<string>} the image
 */
export async function makeRootImage({ project, directory, files }) {
  const tree = join(directory, 'root');
  const stage = new Stage(tree);
  for (const name of EMPTY_DIRECTORIES) mkdirSync(join(tree, name), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64', 'etc/alternatives']) if (existsSync(`/${name}`)) stage.add(`/${name}`);
  const listed = filesOfPackages();
  for (const path of listed) stage.add(path);
  for (const path of ['/usr/bin/awk', '/usr/bin/which', '/usr/bin/python3']) stage.add(path);
  for (const name of ETC) stage.add(`/etc/${name}`);
  const node = realpathSync(process.execPath);
  stage.add(node);
  if (node !== '/usr/bin/node') symlinkSync(node, join(tree, 'usr/bin/node'));
  const programs = [...listed, node].filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() && isElf(path));
  for (const path of librariesOf(programs)) stage.add(path);
  for (const name of PROJECT) {
    cpSync(join(project, name), join(tree, PROJECT_IN_IMAGE, name), {
      recursive: true, verbatimSymlinks: true, preserveTimestamps: true, filter: (source) => !NOT_OF_PROJECT.test(source),
    });
  }
  for (const [path, content] of Object.entries(files)) writeFileSync(join(tree, path), content, { mode: 0o755 });
  return await formatImage(tree, join(directory, 'root.img'));
}

/** @param {string} tree @param {string} image */
async function formatImage(tree, image) {
  const used = Number.parseInt(execFileSync('du', ['--summarize', '--block-size=1M', tree], { encoding: 'utf8' }), 10);
  writeFileSync(image, '');
  truncateSync(image, (used + Math.ceil(used / 8) + FREE_MIB) * MEBIBYTE);
  await run('mkfs.ext4', ['-q', '-F', '-m', '0', '-E', 'root_owner=0:0,lazy_itable_init=1,lazy_journal_init=1', '-d', tree, image]);
  return image;
}
