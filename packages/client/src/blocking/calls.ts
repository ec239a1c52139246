// The blocking client's calls, as types made of those of the promise client, and the groups of them: `client.files`, `client.images`, `client.rootfs`.
import type { WardenClient } from '../client.js';
import type { FileCalls, FileContent, ReadOptions, TarOutOptions } from '../file-calls.js';
import type { FileResult, TarResult } from '../file-stream.js';
import type { ImageCalls, RootfsCalls } from '../image-calls.js';
import type { BlockingBytes } from './output.js';

/** What every call takes beside its request. A blocking call cannot be canceled: nobody could. */
export interface BlockingCallOptions {
  /** Milliseconds until the call throws with the code timeout; from 1, unlimited when left out. */
  timeoutMs?: number | undefined;
}

export const CALLS = ['create', 'stop', 'destroy', 'info', 'spawn', 'link', 'run', 'jobs', 'processes', 'writeInput', 'closeInput', 'resize', 'signal', 'netIn', 'netOut', 'copyIn', 'copyOut',
  'limitMemory', 'limitDisk', 'limitBandwidth', 'limitCpu', 'limitPids', 'ping', 'list', 'echo', 'request'] as const;
const FILE_CALLS = ['write', 'list', 'stat', 'makeDirectory', 'remove', 'rename', 'tarIn', 'upload', 'download'] as const;
const IMAGE_CALLS = ['pull', 'import', 'list', 'inspect', 'remove'] as const;
const ROOTFS_CALLS = ['list', 'add', 'remove'] as const;

/** The parameters of a call; its options are the only ones that have both names, and content has to be there. */
type Blocking<Parameters extends readonly unknown[]> = {
  [At in keyof Parameters]: 'signal' | 'timeoutMs' extends keyof NonNullable<Parameters[At]> ? BlockingCallOptions | undefined
    : [FileContent, Parameters[At]] extends [Parameters[At], FileContent] ? Uint8Array | string : Parameters[At]
};

type Calls<Client, Names extends keyof Client> = {
  readonly [Name in Names]: Client[Name] extends (...values: infer Parameters) => Promise<infer Result> ? (...values: Blocking<Parameters>) => Result : never
};

/** The calls of WardenClient that have one answer. */
export type BlockingCalls = Calls<WardenClient, (typeof CALLS)[number]>;

/** The calls of WardenClient.files. */
export type BlockingFiles = Calls<FileCalls, (typeof FILE_CALLS)[number]> & {
  /** The content of a file: `client.files.read({ handle, path }).text()`, or iterate over it. */
  read(request: ReadOptions, options?: BlockingCallOptions): BlockingBytes<FileResult>;
  /** A tar archive (pax) of what is in a directory, or of a file. */
  tarOut(request: TarOutOptions, options?: BlockingCallOptions): BlockingBytes<TarResult>;
};

/** The calls of WardenClient.images. */
export type BlockingImages = Calls<ImageCalls, (typeof IMAGE_CALLS)[number]>;

/** The calls of WardenClient.rootfs. */
export type BlockingRootfs = Calls<RootfsCalls, (typeof ROOTFS_CALLS)[number]>;

type Call = (method: string, values: readonly unknown[]) => unknown;

/** @param open begins to read bytes */
export function blockingFiles(call: Call, open: (method: string, values: readonly unknown[]) => unknown): BlockingFiles {
  return { ...group(call, 'files', FILE_CALLS), ...group(open, 'files', ['read', 'tarOut']) } as BlockingFiles;
}

export function blockingImages(call: Call): BlockingImages {
  return group(call, 'images', IMAGE_CALLS) as unknown as BlockingImages;
}

export function blockingRootfs(call: Call): BlockingRootfs {
  return group(call, 'rootfs', ROOTFS_CALLS) as unknown as BlockingRootfs;
}

function group(call: Call, prefix: string, names: readonly string[]): Record<string, (...values: unknown[]) => unknown> {
  return Object.fromEntries(names.map((name) => [name, (...values: unknown[]) => call(`${prefix}.${name}`, values)]));
}
