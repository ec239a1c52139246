/**
 * The depot: everything the server keeps about containers.
 *
 *   DEPOT/lock                     held by the launcher
 *   DEPOT/state.json               job ids that may have been handed out
 *   DEPOT/containers/ID/           snapshot.json, and run/, jobs/, upper/, work/ of the native programs
 *   DEPOT/trash/                   directories on their way out
 *
 * Calls are synchronous: a small file or a rename takes 10 to 30 microseconds, a promise of node:fs ten times that. Nothing is
 * flushed to the disk: containers do not outlive the machine's boot, and after a crash of the server alone the kernel still has it.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { WardenError, type ErrorCode } from 'warden-protocol';
import { isContainerId } from '../../lib/container-id.js';
import type { Log } from '../../lib/log.js';
import type { Depot } from '../host.js';
import { describeErrno } from './errno.js';
import { Trash } from './trash.js';

export class LinuxDepot implements Depot {
  readonly #containers: string;
  readonly #trash: Trash;
  #trashNumber = 0;

  constructor(
    readonly path: string,
    log: Log,
  ) {
    this.#containers = join(path, 'containers');
    this.#trash = new Trash(join(path, 'trash'), log);
  }

  /** Makes the directories that are missing; for root alone, because containers' files have their owners' rights. */
  prepare(): void {
    for (const directory of [this.path, this.#containers, this.#trash.path]) {
      attempt('make the directory', directory, () => mkdirSync(directory, { recursive: true, mode: 0o700 }));
    }
  }

  /** Empties the trash of an earlier server; needs the depot's lock. */
  emptyTrash(): void {
    for (const name of readdirSync(this.#trash.path)) this.#trash.remove(name);
  }

  directoryOf(containerId: string): string {
    return join(this.#containers, containerId);
  }

  makeDirectory(containerId: string): string {
    const directory = this.directoryOf(containerId);
    attempt('make the container directory', directory, () => mkdirSync(directory, { mode: 0o700 }));
    return directory;
  }

  discardDirectory(containerId: string): void {
    const directory = this.directoryOf(containerId);
    const name = `${containerId}-${process.pid}-${this.#trashNumber++}`;
    try {
      renameSync(directory, join(this.#trash.path, name));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return;
      throw depotError('move away the container directory', directory, error);
    }
    this.#trash.remove(name);
  }

  writeSnapshot(containerId: string, text: string): void {
    this.#replace(join(this.directoryOf(containerId), 'snapshot.json'), text);
  }

  readSnapshots(): { containerId: string; snapshot: string | undefined }[] {
    return readdirSync(this.#containers)
      .filter(isContainerId)
      .map((containerId) => ({ containerId, snapshot: readIfThere(join(this.directoryOf(containerId), 'snapshot.json')) }));
  }

  /** First job id that no earlier server can have handed out. @throws WardenError when the file is damaged */
  readReservedJobIds(): number {
    const path = join(this.path, 'state.json');
    const text = readIfThere(path);
    if (text === undefined) return 1;
    const state: unknown = parseJson(text);
    if (typeof state === 'object' && state !== null && 'jobIdsBelow' in state && Number.isSafeInteger(state.jobIdsBelow)) return Number(state.jobIdsBelow);
    throw new WardenError('internal', `${path} is damaged; remove it when no container of this depot is alive`);
  }

  writeReservedJobIds(below: number): void {
    this.#replace(join(this.path, 'state.json'), `${JSON.stringify({ jobIdsBelow: below })}\n`);
  }

  /** Settles when everything discarded so far is off the disk, or could not be removed. */
  removed(): Promise<void> {
    return this.#trash.emptied();
  }

  /** Replaces a file as a whole: a reader sees the old text or the new one. */
  #replace(path: string, text: string): void {
    const temporary = `${path}.new`;
    attempt('write', path, () => {
      const descriptor = openSync(temporary, 'w', 0o600);
      try {
        writeAll(descriptor, Buffer.from(text));
      } finally {
        closeSync(descriptor);
      }
      renameSync(temporary, path);
    });
  }
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
    throw depotError('read', path, error);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function attempt(step: string, path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw depotError(step, path, error);
  }
}

function depotError(step: string, path: string, error: unknown): WardenError {
  const { code, text }: { code: ErrorCode; text: string } =
    error instanceof Error && 'errno' in error && typeof error.errno === 'number'
      ? describeErrno(-error.errno)
      : { code: 'internal', text: String(error) };
  return new WardenError(code, `${step} (${path}): ${text}`, { cause: error });
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
