/** Files that hold a file system. They are made at the server's start, where a program may be run. */
import { execFile } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { WardenError } from 'warden-protocol';
import { readSmallFile } from './small-file.js';

const makeDeadlineMs = 60_000;
const mebibyte = 1024 * 1024;
/** Less than this is not worth a file system of its own, and mkfs.btrfs takes no less than half of it. */
const smallestInBytes = 256 * mebibyte;
/** mkfs is where only administrators look for programs. */
const programPath = '/usr/sbin:/usr/bin:/sbin:/bin';

/** Whether a loop device has the file: something on it is mounted then, if only in a container. */
export function isAttached(image: string): boolean {
  return readdirSync('/sys/block').some((name) => readSmallFile(join('/sys/block', name, 'loop/backing_file'), 8192)?.trimEnd() === image);
}

/** Replaces the file. It takes only what is written to it. @throws WardenError exhausted or unsupported */
export async function makeBtrfsImage(image: string, sizeInBytes: number | null): Promise<void> {
  rmSync(image, { force: true });
  const size = sizeInBytes ?? nineTenthsOfFree(dirname(image));
  if (size < smallestInBytes) throw new WardenError('exhausted', `${image}: ${Math.floor(size / mebibyte)} MiB are too little for an image, it needs ${smallestInBytes / mebibyte} MiB`);
  const descriptor = openSync(image, 'wx', 0o600);
  try {
    ftruncateSync(descriptor, size);
  } finally {
    closeSync(descriptor);
  }
  try {
    // One copy of metadata: what is lost with the disk below is lost anyway. The file has nothing that could be discarded.
    await promisify(execFile)('mkfs.btrfs', ['--quiet', '--nodiscard', '--metadata', 'single', '--data', 'single', image], { env: { PATH: programPath }, timeout: makeDeadlineMs });
  } catch (error) {
    rmSync(image, { force: true });
    throw new WardenError('unsupported', describeFailure(error), { cause: error });
  }
}

function nineTenthsOfFree(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return Math.floor((bavail * bsize * 0.9) / mebibyte) * mebibyte;
}

function describeFailure(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'mkfs.btrfs is not installed (package btrfs-progs)';
  const words = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : undefined;
  return `mkfs.btrfs failed: ${words === undefined || words === '' ? String(error) : words}`;
}
