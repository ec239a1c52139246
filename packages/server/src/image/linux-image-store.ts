/**
 * The store of images on this machine. What is on the disk is described in store-directory.ts; all of it is known in memory as well, so that a create finds
 * its layers without a wait. Layers belong to nobody: those that no image, container or hold needs go.
 */
import { closeSync, fstatSync } from 'node:fs';
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { WardenError } from 'warden-protocol';
import type { ContainerImage } from '../host/image.js';
import type { Digest } from '../lib/digest.js';
import { KeyedMutex } from '../lib/keyed-mutex.js';
import type { Log } from '../lib/log.js';
import { Slots } from '../lib/slots.js';
import { canceled, type Unpack, type Unpacked } from './archive-program.js';
import { imagesOf, type ImageFiles } from './image-files.js';
import { jobUserOf, readImageConfig, type ImageConfig } from './image-config.js';
import { canonicalName, parseImageName } from './image-name.js';
import { readRecord, writeRecord, type ImageRecord } from './image-record.js';
import type { ImageStore, LayerFile, LayerHold, NewImage, StoredImage, StoredImageDetails, StoreOptions } from './image-store.js';
import { LayerUse } from './layer-use.js';
import { openRegular } from './open-regular.js';
import type { StoreDirectory } from './store-directory.js';

/** Archives that are unpacked at a time: one takes a processor and the disk. */
const unpackedAtATime = 2;
/** Of an id's beginning that is given for it. */
const prefixDigits = 4;

interface NewRecord {
  readonly config: Uint8Array;
  readonly names: readonly string[];
  readonly source: string;
  readonly manifestDigest: Digest | undefined;
}

export interface StoreSettings {
  /** As Go names it: amd64. */
  readonly architecture: string;
  readonly log: Log;
  /** Why a file or directory of the host must not be imported, if there is a reason. */
  readonly reasonAgainst: (path: string, real: string) => string | undefined;
}

export class LinuxImageStore implements ImageStore {
  readonly incomingDirectory: string;
  readonly #images = new Map<Digest, ImageRecord>();
  readonly #names = new Map<string, Digest>();
  readonly #use: LayerUse;
  readonly #slots = new Slots(unpackedAtATime);
  readonly #unpacking = new KeyedMutex<Digest>();
  readonly #changes = new KeyedMutex<'records'>();
  #change = 0;

  constructor(
    private readonly directory: StoreDirectory,
    private readonly unpack: Unpack,
    private readonly settings: StoreSettings,
  ) {
    this.incomingDirectory = directory.incoming;
    this.#use = new LayerUse(directory.layers(), (layer) => directory.dropLayer(layer));
    for (const { id, text } of directory.records()) this.#load(id, text);
  }

  /** Takes away what nobody needs; for when it is known which containers there are. */
  begin(): void {
    this.directory.empty();
    this.#use.begin();
  }

  list(): StoredImage[] {
    return [...this.#images.values()].map((record) => this.#stored(record));
  }

  inspect(name: string): StoredImageDetails {
    const record = this.#recordOf(name);
    return { ...this.#stored(record), config: Buffer.from(record.configText, 'base64').toString('utf8'), source: record.source, manifestDigest: record.manifestDigest };
  }

  find(name: string): Digest | undefined {
    return this.#names.get(name);
  }

  async remove(name: string): Promise<{ untagged: readonly string[]; removed: Digest | undefined }> {
    return await this.#changes.run('records', async () => {
      const record = this.#recordOf(name);
      const { id } = record.config;
      const named = this.#names.get(canonicalOf(name) ?? '') === id ? [canonicalOf(name) as string] : [...record.names.keys()];
      const rest = new Map([...record.names].filter(([each]) => !named.includes(each)));
      if (rest.size > 0) {
        await this.#write({ ...record, names: rest });
        return { untagged: named, removed: undefined };
      }
      const users = this.#use.containersOf(id);
      if (users.length > 0) throw new WardenError('wrong_state', `image ${name} cannot be removed: ${users.length === 1 ? 'a container is' : `${users.length} containers are`} made of it (${users.slice(0, 5).join(', ')}${users.length > 5 ? ', …' : ''}); destroy ${users.length === 1 ? 'it' : 'them'} first`);
      await this.directory.removeRecord(id);
      this.#forget(record);
      this.#use.release(`image ${id}`);
      return { untagged: named, removed: id };
    });
  }

  async import(path: string, name: string | undefined, options: StoreOptions): Promise<StoredImage[]> {
    const wanted = name === undefined ? undefined : canonicalName(parseImageName(name));
    const real = await realpath(path).catch((error: unknown) => {
      throw new WardenError('not_found', `${path} not found`, { cause: error });
    });
    const reason = this.settings.reasonAgainst(path, real);
    if (reason !== undefined) throw new WardenError('invalid_argument', `${path} cannot be imported: ${reason}`);
    if ((await lstat(real)).isDirectory()) {
      const images = await imagesOf(real, this.settings.architecture);
      if (images === undefined) throw new WardenError('invalid_argument', `${path} is neither an image layout of the OCI (oci-layout, index.json) nor what docker save writes (manifest.json); a directory that is a root file system needs no import: give it as rootfs`);
      return await this.#keepAll(images, wanted, path, options);
    }
    const staged = await this.directory.stage();
    try {
      const root = join(staged, 'root');
      const unpacked = await this.#unpackFile(real, root, path, options);
      const images = await imagesOf(root, this.settings.architecture);
      if (images !== undefined) return await this.#keepAll(images, wanted, path, options);
      if (wanted === undefined) throw new WardenError('invalid_argument', `${path} is a root file system, which has no name of its own: give one`);
      return [await this.#keepRoot(staged, unpacked, wanted, path, options)];
    } finally {
      this.directory.unstage(staged);
    }
  }

  hold(diffIds: readonly Digest[]): LayerHold {
    return this.#use.hold(diffIds);
  }

  async addLayer(hold: LayerHold, file: LayerFile, options: StoreOptions): Promise<void> {
    await this.#layer(file.diffId, file.path, undefined, options);
    this.#use.join(hold, file.diffId);
  }

  async addImage(_hold: LayerHold, { name, config, source, manifestDigest }: NewImage): Promise<StoredImage> {
    return await this.#add({ config, names: [name], source, manifestDigest });
  }

  /** What a container is made of: `NAME`, an id, or its beginning. @throws WardenError not_found, invalid_argument */
  imageOf(name: string): ContainerImage {
    const { config } = this.#recordOf(name);
    const { architecture, os } = config;
    if ((architecture ?? this.settings.architecture) !== this.settings.architecture || (os ?? 'linux') !== 'linux') {
      throw new WardenError('invalid_argument', `image ${name} is for ${os ?? 'linux'}/${architecture ?? '?'}, and this machine is linux/${this.settings.architecture}`);
    }
    return { id: config.id, layers: config.diffIds, environment: config.environment, user: jobUserOf(config.user), workingDirectory: config.workingDirectory === '' ? undefined : config.workingDirectory };
  }

  /** Directories, the lowest first. */
  directoriesOf(image: ContainerImage): string[] {
    return image.layers.map((layer) => this.directory.rootOf(layer));
  }

  /** An image's layers stay as long as a container is made of it, whatever becomes of the image. */
  holdForContainer(containerId: string, handle: string | undefined, image: ContainerImage): void {
    this.#use.holdForContainer(containerId, handle, image);
  }

  releaseContainer(containerId: string): void {
    this.#use.releaseContainer(containerId);
  }

  /** A container lives of which nobody knows what it is made of: every layer stays. */
  holdEverything(): void {
    this.#use.holdEverything();
  }

  /** Settles when what was let go has been removed. */
  async removed(): Promise<void> {
    await this.directory.removed();
  }

  #load(id: Digest, text: string): void {
    try {
      const record = readRecord(id, text);
      const lacking = record.config.diffIds.filter((layer) => !this.#use.has(layer));
      if (lacking.length > 0) throw new Error(`it lacks the layer ${lacking[0] ?? ''}`);
      this.#remember(record);
    } catch (error) {
      this.settings.log.error({ image: id, err: error }, 'an image cannot be used and is left out; import or pull it again');
    }
  }

  #remember(record: ImageRecord): void {
    const { id } = record.config;
    const before = this.#images.get(id);
    if (before !== undefined) this.#forget(before);
    else this.#use.keep(`image ${id}`, record.config.diffIds);
    for (const [name, change] of record.names) {
      const other = this.#images.get(this.#names.get(name) ?? id);
      if ((other?.names.get(name) ?? 0) <= change) this.#names.set(name, id);
      this.#change = Math.max(this.#change, change);
    }
    this.#images.set(id, record);
  }

  #forget({ config, names }: ImageRecord): void {
    for (const name of names.keys()) if (this.#names.get(name) === config.id) this.#names.delete(name);
    this.#images.delete(config.id);
  }

  async #write(record: ImageRecord): Promise<void> {
    await this.directory.writeRecord(record.config.id, writeRecord(record));
    this.#remember(record);
  }

  async #add({ config: bytes, names, source, manifestDigest }: NewRecord): Promise<StoredImage> {
    const config = readImageConfig(bytes);
    const lacking = config.diffIds.find((layer) => !this.#use.has(layer));
    if (lacking !== undefined) throw new WardenError('internal', `image ${config.id} lacks the layer ${lacking}`);
    return await this.#changes.run('records', async () => {
      const change = this.#change + 1;
      const before = this.#images.get(config.id);
      const record = { config, configText: Buffer.from(bytes).toString('base64'), names: new Map([...(before?.names ?? []), ...names.map((name) => [name, change] as const)]), source, manifestDigest };
      const losers = names.flatMap((name) => this.#images.get(this.#names.get(name) ?? config.id) ?? []).filter((other) => other.config.id !== config.id);
      await this.#write(record);
      // In this order: between the two, both have the name, and the later one counts.
      for (const loser of losers) await this.#write({ ...loser, names: new Map([...loser.names].filter(([name]) => !names.includes(name))) });
      return this.#stored(record);
    });
  }

  async #keepAll(images: readonly ImageFiles[], wanted: string | undefined, source: string, options: StoreOptions): Promise<StoredImage[]> {
    if (wanted !== undefined && images.length > 1) throw new WardenError('invalid_argument', `${source} has ${images.length} images: they keep their own names, one cannot be given`);
    const kept: StoredImage[] = [];
    for (const image of images) kept.push(await this.#keep(image, wanted === undefined ? image.names : [wanted], source, options));
    return kept;
  }

  async #keep({ config, layers, manifestDigest }: ImageFiles, names: readonly string[], source: string, options: StoreOptions): Promise<StoredImage> {
    const { diffIds } = checkConfig(config);
    if (diffIds.length !== layers.length) throw new WardenError('invalid_argument', `${source}: an image has ${layers.length} layers, and ${diffIds.length} in its configuration`);
    if (names.length === 0) throw new WardenError('invalid_argument', `${source}: the image has no name: give one`);
    const hold = this.hold(diffIds);
    try {
      for (const [index, diffId] of diffIds.entries()) {
        const { path, digest } = layers[index] as ImageFiles['layers'][number];
        await this.#layer(diffId, path, digest, options);
        this.#use.join(hold, diffId);
      }
      return await this.#add({ config, names, source, manifestDigest });
    } finally {
      hold.release();
    }
  }

  /** A root file system becomes an image of one layer, with the configuration that says so. */
  async #keepRoot(staged: string, { diffId, sizeInBytes }: Unpacked, name: string, source: string, options: StoreOptions): Promise<StoredImage> {
    const config = Buffer.from(JSON.stringify({ architecture: this.settings.architecture, os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [diffId] } }));
    return await this.#unpacking.run(diffId, async () => {
      if (options.signal.aborted) throw canceled(options.signal);
      const hold = this.hold([diffId]);
      try {
        if (!this.#use.has(diffId)) await this.#keepLayer(diffId, staged, sizeInBytes);
        this.#use.join(hold, diffId);
        return await this.#add({ config, names: [name], source, manifestDigest: undefined });
      } finally {
        hold.release();
      }
    });
  }

  /** Unpacks a layer unless it is there. The caller has a hold on it. */
  async #layer(diffId: Digest, path: string, fileDigest: Digest | undefined, options: StoreOptions): Promise<void> {
    await this.#unpacking.run(diffId, async () => {
      if (this.#use.has(diffId)) {
        options.progress({ item: diffId, step: 'present', doneInBytes: 0, totalInBytes: undefined });
        return;
      }
      const staged = await this.directory.stage();
      try {
        const unpacked = await this.#unpackFile(path, join(staged, 'root'), diffId, options);
        if (unpacked.diffId !== diffId) throw new WardenError('invalid_argument', `a layer is not what it should be: ${diffId} has the content ${unpacked.diffId}`);
        if (fileDigest !== undefined && unpacked.fileDigest !== fileDigest) throw new WardenError('invalid_argument', `a layer's file is not what it should be: ${fileDigest} is ${unpacked.fileDigest}`);
        await this.#keepLayer(diffId, staged, unpacked.sizeInBytes);
      } finally {
        this.directory.unstage(staged);
      }
    });
  }

  async #keepLayer(diffId: Digest, staged: string, sizeInBytes: number): Promise<void> {
    await this.directory.keepLayer(diffId, staged, sizeInBytes);
    this.#use.add(diffId, sizeInBytes);
  }

  async #unpackFile(path: string, root: string, item: string, options: StoreOptions): Promise<Unpacked> {
    return await this.#slots.run(options.signal, async () => {
      await mkdir(root, { mode: 0o700 });
      const descriptor = openRegular(path);
      try {
        const totalInBytes = fstatSync(descriptor).size;
        const unpacked = await this.unpack(descriptor, root, { signal: options.signal, progress: (doneInBytes) => options.progress({ item, step: 'extracting', doneInBytes, totalInBytes }) });
        if (unpacked.skipped > 0) this.settings.log.info({ layer: unpacked.diffId, count: unpacked.skipped, first: unpacked.notes }, 'entries of a layer were left out');
        options.progress({ item, step: 'done', doneInBytes: totalInBytes, totalInBytes });
        return unpacked;
      } finally {
        closeSync(descriptor);
      }
    });
  }

  #recordOf(name: string): ImageRecord {
    const canonical = canonicalOf(name);
    const named = this.#images.get(this.#names.get(canonical ?? '') ?? (name as Digest));
    if (named !== undefined) return named;
    const prefix = name.startsWith('sha256:') ? name.slice('sha256:'.length) : name;
    const found = prefix.length >= prefixDigits && /^[0-9a-f]+$/.test(prefix) ? [...this.#images.values()].filter(({ config }) => config.id.startsWith(`sha256:${prefix}`)) : [];
    if (found.length > 1) throw new WardenError('invalid_argument', `${name} is the beginning of ${found.length} images' ids: give more of it`);
    const [only] = found;
    if (only === undefined) throw new WardenError('not_found', `image ${name} not found`);
    return only;
  }

  #stored({ config, names }: ImageRecord): StoredImage {
    const layers = config.diffIds.map((diffId) => ({ diffId, sizeInBytes: this.#use.sizeOf(diffId) }));
    return {
      id: config.id,
      names: [...names.keys()].filter((name) => this.#names.get(name) === config.id),
      sizeInBytes: layers.reduce((sum, layer) => sum + layer.sizeInBytes, 0),
      createdMs: config.createdMs,
      layers,
      containers: this.#use.containersOf(config.id).length,
    };
  }
}

/** Undefined when the text is no name: an id, perhaps. */
function canonicalOf(name: string): string | undefined {
  try {
    return canonicalName(parseImageName(name));
  } catch {
    return undefined;
  }
}

/** Of an imported file a configuration that cannot be read is the file's fault. */
function checkConfig(config: Uint8Array): ImageConfig {
  try {
    return readImageConfig(config);
  } catch (error) {
    throw error instanceof WardenError ? new WardenError('invalid_argument', error.message, { cause: error }) : error;
  }
}
