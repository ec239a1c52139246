// Files and whole trees between the disk of this program and a container, over the connection.
import { createWriteStream } from 'node:fs';
import { mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { WardenError } from 'warden-protocol';
import type { CallOptions } from '../cancellation.js';
import type { FileCalls, FileRequest } from '../file-calls.js';
import type { FileInfo } from '../file-info.js';
import { localError } from './local-error.js';
import { packTree } from './pack.js';
import { unpackTree } from './unpack.js';

/** What was left out on the way, and why; the first hundred of what the container's side left out. */
export interface TransferResult {
  readonly notes: readonly string[];
}

/** Permission bits: set-id bits go neither way. */
const PERMISSIONS = 0o777;

/** A local file or directory becomes `request.path`. A directory that is there gets the content of the other one beside what it has. */
export function uploadTree(files: FileCalls, request: FileRequest, source: string, options: CallOptions | undefined): Promise<TransferResult> {
  return withLocalErrors(() => upload(files, request, source, options));
}

async function upload(files: FileCalls, request: FileRequest, source: string, options: CallOptions | undefined): Promise<TransferResult> {
  const status = await stat(source);
  if (status.isFile()) {
    const file = await open(source, 'r');
    try {
      await files.write({ ...request, mode: status.mode & PERMISSIONS }, file.createReadStream({ autoClose: false }) as AsyncIterable<Uint8Array>, options);
    } finally {
      await file.close();
    }
    return { notes: [] };
  }
  if (!status.isDirectory()) throw new WardenError('invalid_argument', `${source} is no file or directory`);
  await files.makeDirectory({ ...request, mode: 0o755 }, options).catch((error: unknown) => {
    if (!(error instanceof WardenError) || error.code !== 'exists') throw error;
  });
  const leftOut: string[] = [];
  // The directory itself, and not a link to it; without slashes behind it.
  const archive = packTree(await realpath(source, { encoding: 'buffer' }), Buffer.from('.'), (path) => leftOut.push(`${path}: left out: no file, directory or link`));
  const { notes } = await files.tarIn(request, archive, options);
  return { notes: [...leftOut, ...notes] };
}

/** A file or directory of the container becomes `target`. A directory that is there gets the content of the other one beside what it has. */
export function downloadTree(files: FileCalls, request: FileRequest, target: string, options: CallOptions | undefined): Promise<TransferResult> {
  return withLocalErrors(() => download(files, request, target, options));
}

async function download(files: FileCalls, request: FileRequest, target: string, options: CallOptions | undefined): Promise<TransferResult> {
  const info = await files.stat(request, options);
  if (info.kind !== 'directory') {
    await saveFile(files, request, info, target, options);
    return { notes: [] };
  }
  await mkdir(target, { recursive: true });
  const stream = files.tarOut(request, options);
  await unpackTree(stream, Buffer.from(target));
  const { notes } = await stream.result();
  return { notes };
}

async function withLocalErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (reason) {
    throw localError(reason);
  }
}

let lastPart = 0;

/** Under another name until it is whole. What is there and no file, a device or a FIFO, is written to and stays. */
async function saveFile(files: FileCalls, request: FileRequest, { mode }: FileInfo, target: string, options: CallOptions | undefined): Promise<void> {
  const there = await stat(target).catch(() => undefined);
  if (there !== undefined && !there.isFile() && !there.isDirectory()) {
    await pipeline(files.read(request, options), createWriteStream(target, { flags: 'w' }));
    return;
  }
  const part = `${target}.part-${process.pid}-${++lastPart}`;
  try {
    await pipeline(files.read(request, options), createWriteStream(part, { flags: 'wx', mode: mode & PERMISSIONS }));
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
