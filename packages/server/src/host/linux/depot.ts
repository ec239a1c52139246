/**
 * The depot: everything the server keeps about containers.
 *
 *   DEPOT/lock                     held by the launcher
 *   DEPOT/state.json               job ids that may have been handed out
 *   DEPOT/containers/ID/           snapshot.json, and run/, jobs/, upper/, work/ of the native programs
 *   DEPOT/disks/NAME/              upper/ and work/, where disk limits want them in a place of their own; containers/ID/disk leads there
 *   DEPOT/spare/                   an empty directory, to become the next container's
 *   DEPOT/releases                 networks that rest
 *   DEPOT/trash/                   directories on their way out
 *
 * Nearly all calls are synchronous: a small file or a rename takes 10 to 30 microseconds, a promise of node:fs ten times that. Directories are the
 * exception, because making one may wait for the disk (spare-directory.ts). Nothing is
 * flushed to the disk: containers do not outlive the machine's boot, and after a crash of the server alone the kernel still has it.
 */
import { lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { WardenError, type ErrorCode } from 'warden-protocol';
import { isContainerId } from '../../lib/container-id.js';
import type { Log } from '../../lib/log.js';
import { Turns } from '../../lib/turns.js';
import type { ContainerDisk } from '../disk.js';
import type { ContainerDirectory, Depot, JobRemains, NetworkRelease } from '../host.js';
import { disksName, findUnownedDisks, linkDisk, readDiskLink } from './disk-links.js';
import { describeErrno } from './errno.js';
import { readJobRemains } from './job-remains.js';
import { ReleaseJournal } from './release-journal.js';
import { SnapshotFiles } from './snapshot-files.js';
import { SpareDirectory } from './spare-directory.js';
import { ForeignFile, isErrno, readSmallFile, replaceSmallFile } from './small-file.js';
import { Trash, type RemoveEntries } from './trash.js';

const stateLimitInBytes = 4096;

export class LinuxDepot implements Depot {
  readonly #containers: string;
  readonly #trash: Trash;
  readonly #disks: Trash;
  readonly #spare: SpareDirectory;
  readonly #releases: ReleaseJournal;
  readonly #snapshots = new SnapshotFiles();
  readonly #turns: Turns;
  #trashNumber = 0;

  /**
   * @param bootId what was noted at another boot of the machine does not count
   * @param removeEntries removes what was discarded
   * @param makeDisk makes the place of a container's files; it gives undefined when that is the container's own directory
   */
  constructor(
    readonly path: string,
    private readonly log: Log,
    private readonly options: { readonly bootId: string; readonly now: () => number; readonly removeEntries: RemoveEntries; readonly makeDisk?: () => Promise<string | undefined> },
  ) {
    const { bootId, now, removeEntries, makeDisk } = options;
    this.#turns = new Turns({ now });
    this.#releases = new ReleaseJournal(join(path, 'releases'), bootId, now);
    this.#containers = join(path, 'containers');
    this.#trash = new Trash(join(path, 'trash'), removeEntries, log);
    this.#disks = new Trash(join(path, disksName), removeEntries, log);
    this.#spare = new SpareDirectory(join(path, 'spare'), (error) => log.warn({ err: error }, 'no directory could be made for the next container in advance'), makeDisk);
  }

  /**
   * Makes the directories that are missing; for root alone, because containers' files have their owners' rights.
   * @throws WardenError also when one of those that directories are removed from is a symbolic link: what it leads to is not ours
   */
  prepare(): void {
    for (const directory of [this.path, this.#containers, this.#trash.path, this.#spare.path]) {
      attempt('make the directory', directory, () => mkdirSync(directory, { recursive: true, mode: 0o700 }));
    }
    for (const directory of [this.#containers, this.#trash.path, this.#spare.path]) {
      if (lstatSync(directory).isDirectory()) continue;
      throw new WardenError('invalid_argument', `${directory} is a symbolic link: put the directory itself there, or set server.container_depot_path to where it is`);
    }
  }

  /** Empties the trash of an earlier server, and removes the disks that no container has; needs the depot's lock. */
  emptyTrash(): void {
    for (const name of readdirSync(this.#trash.path)) this.#trash.remove(name);
    this.#spare.clear();
    try {
      for (const name of findUnownedDisks(this.#disks.path, this.#containers)) this.#disks.remove(name);
    } catch (error) {
      this.log.warn({ err: error }, 'which disks no container has cannot be found out; none is removed');
    }
  }

  directoryOf(containerId: string): string {
    return join(this.#containers, containerId);
  }

  async makeDirectory(containerId: string): Promise<ContainerDirectory> {
    const path = this.directoryOf(containerId);
    const spare = attempt('make the container directory', path, () => this.#spare.moveTo(path));
    this.#spare.makeSoon();
    if (spare !== undefined) return { path, disk: spare.disk };
    const disk = await this.options.makeDisk?.();
    try {
      await mkdir(path, { mode: 0o700 });
      // Many end in one event, and each is followed by most of a create.
      await this.#turns.mine();
      if (disk !== undefined) linkDisk(path, disk);
    } catch (error) {
      if (disk !== undefined) this.#disks.remove(basename(disk));
      throw depotError('make the container directory', path, error);
    }
    return { path, disk };
  }

  /** Settles when what is made in advance for the next container is there, or cannot be. */
  get preparedForNext(): Promise<void> {
    return this.#spare.made;
  }

  diskOf(containerId: string): string | undefined {
    const name = this.#nameOfDisk(this.directoryOf(containerId));
    return name === undefined ? undefined : join(this.#disks.path, name);
  }

  discardDirectory(containerId: string, known?: ContainerDisk): void {
    const directory = this.directoryOf(containerId);
    const disk = known === undefined ? this.#nameOfDisk(directory) : nameOf(known.directory);
    const name = `${containerId}-${process.pid}-${this.#trashNumber++}`;
    this.#snapshots.forget(this.#snapshotOf(containerId));
    try {
      renameSync(directory, join(this.#trash.path, name));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return;
      throw depotError('move away the container directory', directory, error);
    }
    this.#trash.remove(name);
    if (disk !== undefined) this.#disks.remove(disk);
  }

  /** Of a disk that cannot be found out the container goes on, without limits that could be changed, and a later start removes it. */
  #nameOfDisk(directory: string): string | undefined {
    try {
      return readDiskLink(directory);
    } catch (error) {
      this.log.warn({ err: error }, 'which disk a container has cannot be read');
      return undefined;
    }
  }

  prepareSnapshot(containerId: string, text: string): void {
    this.#snapshots.prepare(this.#snapshotOf(containerId), text);
  }

  writeSnapshot(containerId: string, text: string): void {
    const path = this.#snapshotOf(containerId);
    attempt('write', path, () => this.#snapshots.write(path, text));
  }

  expectSnapshot(containerId: string): void {
    this.#snapshots.expect(this.#snapshotOf(containerId));
  }

  readSnapshots(): { containerId: string; snapshot: string | undefined }[] {
    return readdirSync(this.#containers, { withFileTypes: true }).flatMap((entry) => {
      if (entry.isDirectory() && isContainerId(entry.name)) return [{ containerId: entry.name, snapshot: this.#readSnapshot(entry.name) }];
      this.log.warn({ path: join(this.#containers, entry.name) }, 'what stands in the depot and is no container directory is left alone');
      return [];
    });
  }

  #snapshotOf(containerId: string): string {
    return join(this.directoryOf(containerId), 'snapshot.json');
  }

  /** What cannot be read is as good as a damaged one; it is no reason to touch the container. */
  #readSnapshot(containerId: string): string | undefined {
    try {
      return this.#snapshots.read(this.#snapshotOf(containerId));
    } catch (error) {
      this.log.error({ container: containerId, err: error }, 'a snapshot cannot be read');
      return '';
    }
  }

  readJobRemains(containerId: string): JobRemains[] {
    return readJobRemains(join(this.directoryOf(containerId), 'jobs'));
  }

  /** On a full disk a container can be destroyed all the same; then only a server that was killed forgets that its network rests. */
  recordRelease(release: NetworkRelease): void {
    try {
      this.#releases.append(release);
    } catch (error) {
      this.log.warn({ err: error }, 'that a network rests could not be noted');
    }
  }

  readReleases(): NetworkRelease[] {
    try {
      return this.#releases.read();
    } catch (error) {
      this.log.warn({ err: error }, 'which networks rest cannot be read');
      return [];
    }
  }

  /** First job id that no earlier server can have handed out. @throws WardenError when the file is damaged */
  readReservedJobIds(): number {
    const path = join(this.path, 'state.json');
    const text = readState(path);
    if (text === undefined) return 1;
    const state: unknown = parseJson(text);
    if (typeof state === 'object' && state !== null && 'jobIdsBelow' in state && Number.isSafeInteger(state.jobIdsBelow)) return Number(state.jobIdsBelow);
    throw new WardenError('internal', `${path} is damaged; remove it when no container of this depot is alive`);
  }

  writeReservedJobIds(below: number): void {
    const path = join(this.path, 'state.json');
    attempt('write', path, () => replaceSmallFile(path, `${JSON.stringify({ jobIdsBelow: below })}\n`));
  }

  /** Settles when everything discarded so far is off the disk, or could not be removed. */
  async removed(): Promise<void> {
    await Promise.all([this.#trash.emptied(), this.#disks.emptied()]);
  }
}

function nameOf(path: string | undefined): string | undefined {
  return path === undefined ? undefined : basename(path);
}

function readState(path: string): string | undefined {
  try {
    return readSmallFile(path, stateLimitInBytes);
  } catch (error) {
    if (error instanceof ForeignFile) return '';
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

function attempt<Result>(step: string, path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw depotError(step, path, error);
  }
}

function depotError(step: string, path: string, error: unknown): WardenError {
  if (error instanceof WardenError) return error;
  const { code, text }: { code: ErrorCode; text: string } =
    error instanceof Error && 'errno' in error && typeof error.errno === 'number'
      ? describeErrno(-error.errno)
      : { code: 'internal', text: String(error) };
  return new WardenError(code, `${step} (${path}): ${text}`, { cause: error });
}
