/**
 * Root file systems: images, by way of whoever keeps them, and directories that containers see through an overlay and never change. A file `DIRECTORY.mounts.json`
 * beside one lists what of the host is to be mounted into it read-only: the default root file system is made of the host's
 * own /usr that way. The file counts only when root owns it and nobody else can write to it.
 */
import { type BigIntStats, lstatSync, readFileSync, statSync } from 'node:fs';
import { WardenError } from 'warden-protocol';
import { z } from '../../lib/zod.js';
import type { RootFileSystem, RootFileSystems } from '../host.js';
import type { ContainerImage } from '../image.js';
import { DepotShield } from './depot-shield.js';
import { type Found, isSame, stillThere } from './file-mark.js';
import { ledOut, realPath, type LeadsOutOf } from './writable-places.js';

const absolutePath = z.string().startsWith('/').max(4095).refine((path) => !path.includes('\0'));
const mountsSchema = z.strictObject({
  version: z.literal(1),
  mounts: z.array(z.strictObject({ source: absolutePath, destination: absolutePath, recursive: z.boolean().default(false) })).max(256),
});

/** Where the C library looks for what the server adds. */
const hostPrograms = '/usr';

const sidecarLimitInBytes = 1024 * 1024;

/** A list, and the file that it was read from. Creates come by the hundred, and checking the same list costs 0.1 ms each time. */
interface ReadMounts {
  readonly found: BigIntStats;
  readonly mounts: RootFileSystem['mounts'];
}

/** Images, as a create needs them. */
export interface ImageSource {
  /** @throws WardenError not_found, invalid_argument */
  imageOf(name: string): ContainerImage;
  /** The lowest first. */
  directoriesOf(image: ContainerImage): string[];
  holdForContainer(containerId: string, handle: string | undefined, image: ContainerImage): void;
  releaseContainer(containerId: string): void;
  holdEverything(): void;
}

const imageScheme = 'image:';

/** Lists beyond this many are read again. */
const rememberedLimit = 64;

export class LinuxRootFileSystems implements RootFileSystems {
  readonly #shield: DepotShield;
  readonly #remembered = new Map<string, ReadMounts>();

  /**
   * @param depotPath the depot, which must not be seen in any container: its files have their owners' rights
   * @param namedPath the directory that a name stands for
   * @param leadsOutOf what a container can write to and has led the path out of
   */
  constructor(
    depotPath: string,
    private readonly images: ImageSource,
    private readonly namedPath: (name: string) => string | undefined,
    private readonly leadsOutOf: LeadsOutOf,
  ) {
    this.#shield = new DepotShield(depotPath);
  }

  /** @throws WardenError invalid_argument for directories that would show the host or the depot to a container */
  open(name: string): RootFileSystem {
    if (name.startsWith(imageScheme)) return this.#openImage(name);
    const path = name.startsWith('/') ? name : this.namedPath(name);
    if (path === undefined) throw new WardenError('not_found', `rootfs ${name} not found`);
    // Before anything is found: reading the list may take longer than a change needs to settle.
    const nowMs = Date.now();
    const directory = realDirectory(path);
    if (directory === undefined) throw new WardenError('not_found', `rootfs ${path} not found`);
    const reason = this.#shield.reasonAgainst(directory.path);
    if (reason !== undefined) throw refused(path, reason);
    const left = this.leadsOutOf(path, directory.path);
    if (left !== undefined) throw refused(path, ledOut(left));
    const list = `${directory.path}.mounts.json`;
    const found = statusOf(list);
    const mounts = found === undefined ? [] : this.#mountsOf(list, found);
    const isSameDirectory = stillThere(directory.status, () => statusBy(path, directory.path), nowMs);
    const isSameList = stillThere(found, () => statusOf(list), nowMs);
    const isNamed = (): boolean => path === name || this.namedPath(name) === path;
    const { status: { dev, ino, ctimeNs } } = directory;
    return {
      lowers: [directory.path],
      mounts,
      identity: `${dev}:${ino}:${ctimeNs}`,
      isStill: () => isNamed() && isSameDirectory() && isSameList() && this.#staysInside(path, directory.path),
    };
  }

  hold(containerId: string, handle: string | undefined, image: ContainerImage): void {
    this.images.holdForContainer(containerId, handle, image);
  }

  release(containerId: string): void {
    this.images.releaseContainer(containerId);
  }

  holdEverything(): void {
    this.images.holdEverything();
  }

  #openImage(name: string): RootFileSystem {
    try {
      const image = this.images.imageOf(name.slice(imageScheme.length));
      // In a description the topmost layer comes first.
      return { lowers: this.images.directoriesOf(image).reverse(), mounts: [], image, isStill: () => this.#isImage(name, image) };
    } catch (error) {
      if (error instanceof WardenError && error.code === 'not_found') throw new WardenError('not_found', `rootfs ${name} not found`, { cause: error });
      throw error;
    }
  }

  #staysInside(path: string, real: string): boolean {
    try {
      return this.leadsOutOf(path, real) === undefined;
    } catch {
      return false;
    }
  }

  #isImage(name: string, { id }: ContainerImage): boolean {
    try {
      return this.images.imageOf(name.slice(imageScheme.length)).id === id;
    } catch {
      return false;
    }
  }

  #mountsOf(path: string, found: BigIntStats): RootFileSystem['mounts'] {
    // The time of change covers owner, mode and content, and cannot be set back.
    const remembered = this.#remembered.get(path);
    if (remembered !== undefined && isSame(remembered.found, found)) return remembered.mounts;
    const mounts = readMounts(path, found);
    if (this.#remembered.size >= rememberedLimit) this.#remembered.clear();
    this.#remembered.set(path, { found, mounts });
    return mounts;
  }
}

function statusOf(list: string): Found {
  return lstatSync(list, { throwIfNoEntry: false, bigint: true });
}

/**
 * A directory above it may have been renamed, and a link led there: that changes nothing of the directory itself, but the list is found by the real path, and so is what it may lie in.
 * One that was named by its real path has its list by the same way as itself, whatever has become of that.
 */
function statusBy(path: string, real: string): Found {
  if (path !== real && realPath(path) !== real) return undefined;
  return statSync(path, { throwIfNoEntry: false, bigint: true });
}

function refused(path: string, why: string): WardenError {
  return new WardenError('invalid_argument', `rootfs ${path} cannot be used: ${why}; name a directory that holds nothing but a root file system`);
}

function realDirectory(path: string): { readonly path: string; readonly status: BigIntStats } | undefined {
  const real = realPath(path);
  const status = real === undefined ? undefined : statSync(real, { throwIfNoEntry: false, bigint: true });
  if (real === undefined || status?.isDirectory() !== true) return undefined;
  return { path: real, status };
}

function readMounts(path: string, status: BigIntStats): RootFileSystem['mounts'] {
  if (!status.isFile() || status.uid !== 0n || (status.mode & 0o022n) !== 0n) {
    throw new WardenError('permission', `${path} must be a regular file of root that nobody else can write to`);
  }
  if (status.size > sidecarLimitInBytes) throw new WardenError('invalid_argument', `${path} is larger than ${sidecarLimitInBytes} bytes`);
  const checked = mountsSchema.safeParse(parse(readFileSync(path, 'utf8')));
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new WardenError('invalid_argument', `${path}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not a list of mounts'}`);
  }
  return checked.data.mounts.map((mount) => ({ ...mount, readOnly: true, ...(mount.source === hostPrograms && mount.destination === hostPrograms ? { additions: true } : {}) }));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
