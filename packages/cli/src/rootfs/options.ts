/* The command line of `warden rootfs build`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface BuildOptions {
  /** Absolute path of the root file system to make. */
  readonly directory: string;
  readonly suite?: string;
  readonly mirror?: string;
  /** Packages beyond those that are always there. */
  readonly include: readonly string[];
}

/** What every root file system of ours has: jobs are run by bash, and tenants expect the rest. */
export const PACKAGES = ['bash', 'ca-certificates', 'coreutils', 'curl', 'iproute2', 'iputils-ping', 'netcat-openbsd', 'perl', 'procps', 'rsync'];

export const USAGE = `usage: warden rootfs build DIRECTORY [--suite SUITE] [--mirror ADDRESS] [--include PACKAGE,PACKAGE...] [-o json]

Makes a root file system for containers with mmdebstrap (or debootstrap), from the package sources of this machine.
DIRECTORY must not exist or be empty. To use it, set server.container_rootfs_path in the configuration, or create
containers with --rootfs DIRECTORY.

  --suite SUITE       release to install, for example bookworm (default: this machine's own)
  --mirror ADDRESS    where to get packages from (default: where this machine gets its own)
  --include A,B       further packages; may be repeated
`;

/** A command line that is wrong, or a step that failed; the message is for the person at the keyboard. */
export class RootfsError extends Error {
  override readonly name = 'RootfsError';
  /** 1: the build failed, 2: the command line is wrong. */
  readonly exitStatus: number;

  constructor(message: string, exitStatus = 1, options?: ErrorOptions) {
    super(message, options);
    this.exitStatus = exitStatus;
  }
}

/** @throws RootfsError naming what is wrong */
export function parseBuildOptions(args: readonly string[]): BuildOptions {
  const { values, positionals } = parse(args);
  const [directory, ...surplus] = positionals;
  if (directory === undefined || directory === '') throw new RootfsError(`which directory?\n${USAGE}`, 2);
  if (surplus.length > 0) throw new RootfsError(`one directory, not ${positionals.length}: ${positionals.join(' ')}`, 2);
  const include = (values.include ?? []).flatMap((list) => list.split(',')).map((name) => name.trim()).filter((name) => name !== '');
  for (const name of include) {
    // Debian policy 5.6.1; nothing else may reach the tools' command lines
    if (!/^[a-z0-9][a-z0-9+.-]+$/.test(name)) throw new RootfsError(`--include: ${JSON.stringify(name)} is not the name of a package`, 2);
  }
  if (values.suite !== undefined && !/^[a-z0-9][a-z0-9._/-]*$/i.test(values.suite)) throw new RootfsError(`--suite: ${JSON.stringify(values.suite)} is not the name of a release`, 2);
  if (values.mirror !== undefined && !/^(?:https?|file|copy|ftp):\/\/?\S+$/.test(values.mirror)) {
    throw new RootfsError(`--mirror: ${JSON.stringify(values.mirror)} is not an address such as http://HOST/debian or file:///srv/mirror`, 2);
  }
  const path = resolve(directory);
  if (path === '/') throw new RootfsError('the directory / is this machine\'s own', 2);
  return {
    directory: path,
    include,
    ...(values.suite === undefined ? {} : { suite: values.suite }),
    ...(values.mirror === undefined ? {} : { mirror: values.mirror }),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { suite: { type: 'string' }, mirror: { type: 'string' }, include: { type: 'string', multiple: true } },
    });
  } catch (error) {
    throw new RootfsError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`, 2, { cause: error });
  }
}
