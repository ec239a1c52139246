/**
 * Disk limits by one of several backends: the first that works on this kernel and depot. What each can do is in docs/limits.md. A
 * container keeps the one that it was made with.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { WardenError } from 'warden-protocol';
import type { DiskBackendName } from '../../lib/disk-backend-names.js';
import type { Log } from '../../lib/log.js';
import { againWhenGone } from '../ask-again.js';
import type { ContainerDisk, DiskLimits, Disks, DiskState, DiskUsage } from '../disk.js';
import type { DiskBackend } from './disk-backend.js';
import { BtrfsDisks } from './disk-btrfs.js';
import { ImageDisks } from './disk-image.js';
import { disksName } from './disk-links.js';
import { ProjectDisks, UserDisks } from './disk-quota.js';
import type { LauncherProcess } from './launcher.js';

const imageName = 'disks.img';
const templateName = 'disk-template.img';
const consequence = 'a container can fill the file system of the depot';
const unmakeAttempts = 3;

export interface LinuxDisksOptions {
  readonly depotPath: string;
  readonly choice: 'auto' | DiskBackendName;
  readonly launcher: Pick<LauncherProcess, 'discard'>;
  readonly log: Log;
}

/**
 * Every backend there is, in the order in which they are tried.
 * @param imageSizeInBytes of an image that is made; null: nine tenths of what is free
 */
export function diskBackends(depotPath: string, imageSizeInBytes: number | null, launcher: Pick<LauncherProcess, 'disk' | 'quota'>): DiskBackend[] {
  const path = join(depotPath, disksName);
  return [
    new ProjectDisks(depotPath, launcher),
    new BtrfsDisks(path, join(depotPath, imageName), imageSizeInBytes, launcher),
    new ImageDisks(path, join(depotPath, templateName), imageSizeInBytes, launcher),
    // The last, because it cannot hold root of a container to the limit of the whole.
    new UserDisks(depotPath, launcher),
  ];
}

export class LinuxDisks implements Disks {
  readonly #path: string;
  #chosen: DiskBackend | undefined;
  #number = 0;

  /** @param backends in the order in which they are tried */
  constructor(
    private readonly options: LinuxDisksOptions,
    private readonly backends: readonly DiskBackend[],
  ) {
    this.#path = join(options.depotPath, disksName);
  }

  get backend(): DiskBackendName {
    return this.#chosen?.name ?? 'none';
  }

  /**
   * Finds the backend, and has it ready. Needs the launcher.
   * @throws WardenError unsupported when the one that is configured does not work
   */
  async prepare(): Promise<void> {
    const { choice, log } = this.options;
    mkdirSync(this.#path, { recursive: true, mode: 0o700 });
    const refused: string[] = [];
    for (const backend of this.backends) {
      if (choice !== 'auto' && choice !== backend.name) continue;
      try {
        await backend.prepare();
        this.#chosen = backend;
        break;
      } catch (error) {
        refused.push(`${backend.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    if (this.#chosen !== undefined) log.info({ backend: this.backend, refused }, `disk limits: ${this.backend}`);
    else if (choice === 'none') log.info({ backend: 'none' }, `disk limits: none, as configured: ${consequence}`);
    else if (choice === 'auto') log.warn({ backend: 'none', refused }, `disk limits: none, because no backend works on this kernel and depot: ${consequence}, and limit_disk is refused`);
    else throw new WardenError('unsupported', `server.quota.backend: ${refused.join('; ')}; auto takes what works here`);
  }

  /** A place for the next container's files; undefined: they stay in its own directory. */
  async make(): Promise<string | undefined> {
    if (this.#chosen?.make === undefined) return undefined;
    const name = `${process.pid}-${Date.now()}-${this.#number++}`;
    const path = join(this.#path, name);
    try {
      await this.#chosen.make(path);
    } catch (error) {
      await this.#unmake(name);
      throw error;
    }
    return path;
  }

  usage(disk: ContainerDisk): DiskUsage | undefined {
    return this.#backendOf(disk)?.usage?.(disk);
  }

  async limit(disk: ContainerDisk, change: Partial<DiskLimits>): Promise<DiskState> {
    const backend = this.#backendOf(disk);
    if (backend !== undefined) return backend.limit(disk, change);
    const remedy = this.#chosen === undefined ? 'the server\'s log tells at its start why (server.quota)' : 'it was made when the server had none; make another one';
    throw new WardenError('unsupported', `limit_disk: this container has no disk limits: ${remedy}`);
  }

  release(disk: ContainerDisk): Promise<void> | undefined {
    return this.#backendOf(disk)?.release?.(disk);
  }

  /** Takes everything away, for when there is no container left. */
  async remove(): Promise<void> {
    const { launcher, depotPath } = this.options;
    // Each may be a mount of its own, which a removal of the whole would stop at.
    await launcher.discard(this.#path, readdirSync(this.#path));
    await launcher.discard(depotPath, [disksName, imageName, templateName]);
  }

  /** A launcher that died may have made the disk, and only not said so; the next one may die as well. */
  async #unmake(name: string): Promise<void> {
    const { launcher, log } = this.options;
    try {
      await againWhenGone(() => launcher.discard(this.#path, [name]), unmakeAttempts);
    } catch (error) {
      log.warn({ disk: name, err: error }, 'a disk that was perhaps made could not be removed; the next start does it');
    }
  }

  #backendOf(disk: ContainerDisk): DiskBackend | undefined {
    return this.backends.find(({ name }) => name === disk.backend);
  }
}
