/**
 * The program that unpacks archives, a process for each (native/archive): hashing, decompression and files of anybody's making are nothing for
 * this one's event loop, nor for its rights.
 */
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { createInterface } from 'node:readline';
import { WardenError, type ErrorCode } from 'warden-protocol';
import { parseDigest, type Digest } from '../lib/digest.js';
import { startTimer, type Clock } from '../lib/timer.js';
import { z } from '../lib/zod.js';

export interface UnpackLimits {
  /** Of all files together, and of any one with its holes. */
  readonly sizeInBytes: number;
  readonly entries: number;
}

export interface Unpacked {
  /** Of the content, uncompressed. */
  readonly diffId: Digest;
  /** Of the file. */
  readonly fileDigest: Digest;
  /** Of all files. */
  readonly sizeInBytes: number;
  /** Entries that were left out: devices. */
  readonly skipped: number;
  /** On the first of them. */
  readonly notes: readonly string[];
}

export interface UnpackOptions {
  readonly signal: AbortSignal;
  /** Bytes of the file that have been read. */
  readonly progress: (doneInBytes: number) => void;
}

export type Unpack = (descriptor: number, directory: string, options: UnpackOptions) => Promise<Unpacked>;

/** It reports whenever it has read some megabytes, and is silent while the disk takes them. */
const silenceDeadlineMs = 600_000;
const stderrLimit = 2000;

const digest = z.string().transform((text, context): Digest => {
  const parsed = parseDigest(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'is no digest' });
  return z.NEVER;
});
const reportSchema = z.union([
  z.object({ read: z.number() }),
  z.object({ diffId: digest, fileDigest: digest, bytes: z.number(), skipped: z.number(), notes: z.array(z.string()) }),
  z.object({ errno: z.number(), message: z.string() }),
]);
type Report = ReturnType<typeof reportSchema.parse>;

/** libuv's own list lacks some. */
const errnoNames: ReadonlyMap<number, string> = new Map(Object.entries(osConstants.errno).map(([name, number]) => [number, name]));

/** Errors that say something about the archive, not about the machine. */
const archivesFault = new Set(['EBADMSG', 'EINVAL', 'ELOOP', 'ENAMETOOLONG', 'ENOTDIR', 'EISDIR', 'EEXIST', 'E2BIG', 'ERANGE', 'EDQUOT', 'EFBIG', 'ENOENT', 'EMLINK', 'EPERM', 'ENOMEM']);

/** @param path of the program */
export function archiveProgram(path: string, limits: UnpackLimits, clock: Clock): Unpack {
  return (descriptor, directory, { signal, progress }) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const root = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      const child = spawn(path, [String(limits.sizeInBytes), String(limits.entries)], { stdio: [descriptor, 'pipe', 'pipe', root], env: {}, cwd: '/' });
      closeSync(root);
      let result: Report | undefined;
      let stderr = '';
      let late = false;
      const kill = (): void => void child.kill('SIGKILL');
      const watch = (): (() => void) => startTimer(clock, silenceDeadlineMs, () => {
        late = true;
        kill();
      });
      let stopWatching = watch();
      signal.addEventListener('abort', kill, { once: true });
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        stderr = (stderr + text).slice(0, stderrLimit);
      });
      if (child.stdout !== null) {
        createInterface({ input: child.stdout }).on('line', (line) => {
          stopWatching();
          stopWatching = watch();
          const report = reportSchema.safeParse(parse(line)).data;
          if (report !== undefined && 'read' in report) progress(report.read);
          else result = report;
        });
      }
      const settle = (why: string): void => {
        stopWatching();
        signal.removeEventListener('abort', kill);
        if (signal.aborted) reject(canceled(signal));
        else if (result !== undefined && 'diffId' in result) resolve({ ...result, sizeInBytes: result.bytes });
        else if (result !== undefined && 'errno' in result) reject(refusal(result.errno, result.message));
        else if (late) reject(new WardenError('timeout', `unpacking has made no progress for ${silenceDeadlineMs / 1000} s: the disk does not take what is written`));
        else reject(new WardenError('internal', `${path} ${why}${stderr === '' ? '' : `: ${stderr.trim().replaceAll('\n', ' ')}`}`));
      };
      child.once('error', (error) => settle(error.message));
      child.once('close', (status, killedBy) => settle(killedBy === null ? `ended with status ${status}` : `was ended by ${killedBy}`));
    });
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function refusal(errno: number, message: string): WardenError {
  const name = errnoNames.get(errno) ?? `error ${errno}`;
  if (name === 'ENOSPC') return new WardenError('exhausted', `no space left for the archive's content: ${message}`);
  const code: ErrorCode = archivesFault.has(name) ? 'invalid_argument' : 'internal';
  const what = name === 'EDQUOT' ? 'the archive is beyond a limit (images.max_extracted_size, images.max_entries)' : name === 'EBADMSG' ? 'the archive cannot be read' : 'the archive cannot be unpacked';
  return new WardenError(code, `${what}: ${message}${name === 'EDQUOT' || name === 'EBADMSG' ? '' : ` (${name})`}`);
}

export function canceled(signal: AbortSignal): WardenError {
  return signal.reason instanceof WardenError ? signal.reason : new WardenError('canceled', 'the request was given up', { cause: signal.reason });
}
