/** Files that hold a file system. They are made at the server's start, where a program may be run. */
import { execFile } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { WardenError } from 'warden-protocol';
import { isErrno, readSmallFile } from './small-file.js';

const makeDeadlineMs = 60_000;
const mebibyte = 1024 * 1024;
/** Less than this is not worth a file system of its own, and mkfs.btrfs takes no less than half of it. */
const smallestInBytes = 256 * mebibyte;
/** The metadata of a larger one, which each copy has, would be too much. */
const largestTemplateInBytes = 256 * 1024 * mebibyte;
/** An inode takes 256 bytes once it is used, beside what the limit counts. */
const mostInodes = 262_144;
const bytesForAnInode = 16_384;
/** mkfs is where only administrators look for programs. */
const programPath = '/usr/sbin:/usr/bin:/sbin:/bin';

/** Whether a loop device has the file: something on it is mounted then, if only in a container. */
export function isAttached(image: string): boolean {
  return readdirSync('/sys/block').some((name) => readSmallFile(join('/sys/block', name, 'loop/backing_file'), 8192)?.trimEnd() === image);
}

/** Replaces the file. It takes only what is written to it. @throws WardenError exhausted or unsupported */
export async function makeBtrfsImage(image: string, sizeInBytes: number | null): Promise<void> {
  makeSparseFile(image, sizeInBytes ?? nineTenthsOfFree(dirname(image)));
  // One copy of metadata: what is lost with the disk below is lost anyway. The file has nothing that could be discarded.
  await makeFileSystem(image, 'mkfs.btrfs', 'btrfs-progs', ['--quiet', '--nodiscard', '--metadata', 'single', '--data', 'single', image]);
}

/** The same, for images of one container each. @throws WardenError exhausted or unsupported */
export async function makeExt4Template(image: string, sizeInBytes: number | null): Promise<void> {
  const size = sizeInBytes ?? Math.min(nineTenthsOfFree(dirname(image)), largestTemplateInBytes);
  makeSparseFile(image, size);
  const inodes = Math.min(mostInodes, Math.floor(size / bytesForAnInode));
  // No journal, because nothing has to survive the machine's boot; tables that are written when they are used, and stand together; no blocks for root alone.
  const features = ['-O', '^has_journal,^resize_inode', '-E', 'lazy_itable_init=1,nodiscard,packed_meta_blocks=1', '-m', '0', '-N', String(inodes)];
  await makeFileSystem(image, 'mkfs.ext4', 'e2fsprogs', ['-q', '-F', ...features, image]);
}

function makeSparseFile(path: string, size: number): void {
  rmSync(path, { force: true });
  if (size < smallestInBytes) throw new WardenError('exhausted', `${path}: ${Math.floor(size / mebibyte)} MiB are too little for an image, it needs ${smallestInBytes / mebibyte} MiB`);
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    ftruncateSync(descriptor, size);
  } finally {
    closeSync(descriptor);
  }
}

async function makeFileSystem(image: string, program: string, debianPackage: string, args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(program, args, { env: { PATH: programPath }, timeout: makeDeadlineMs });
  } catch (error) {
    rmSync(image, { force: true });
    throw new WardenError('unsupported', isErrno(error, 'ENOENT') ? `${program} is not installed (package ${debianPackage})` : describeFailure(program, error), { cause: error });
  }
}

function nineTenthsOfFree(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return Math.floor((bavail * bsize * 0.9) / mebibyte) * mebibyte;
}

function describeFailure(program: string, error: unknown): string {
  const words = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : undefined;
  return `${program} failed: ${words === undefined || words === '' ? String(error) : words}`;
}
