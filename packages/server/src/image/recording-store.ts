/** A store in memory for tests: it keeps what it is given, and fails where a test says. */
import { readFileSync } from 'node:fs';
import { WardenError } from 'warden-protocol';
import { parseDigest, type Digest } from '../lib/digest.js';
import { canonicalName, parseImageName } from './image-name.js';
import type { ImageStore, LayerFile, LayerHold, NewImage, StoredImage, StoredImageDetails, StoreOptions } from './image-store.js';

export class RecordingStore implements ImageStore {
  readonly images = new Map<string, StoredImageDetails>();
  readonly layers = new Map<Digest, string>();
  readonly calls: string[] = [];
  /** Holds that nobody has released. */
  holds = 0;
  /** Called when a layer is added, before it is there. */
  adding: (file: LayerFile, options: StoreOptions) => Promise<void> = () => Promise.resolve();

  constructor(readonly incomingDirectory: string) {}

  list(): StoredImage[] {
    return [...this.images.values()];
  }

  inspect(name: string): StoredImageDetails {
    const found = this.images.get(parseDigest(name) === undefined ? canonicalName(parseImageName(name)) : name) ?? [...this.images.values()].find(({ id }) => id === name);
    if (found === undefined) throw new WardenError('not_found', `image ${name} not found`);
    return found;
  }

  find(name: string): Digest | undefined {
    return this.images.get(name)?.id;
  }

  async remove(name: string): Promise<{ untagged: string[]; removed: Digest }> {
    const { id } = this.inspect(name);
    this.images.delete(canonicalName(parseImageName(name)));
    return { untagged: [canonicalName(parseImageName(name))], removed: id };
  }

  async import(path: string, name: string | undefined, options: StoreOptions): Promise<StoredImage[]> {
    this.calls.push(`import ${path} ${name ?? ''}`.trim());
    options.progress({ item: path, step: 'extracting', doneInBytes: 1, totalInBytes: 2 });
    return [];
  }

  hold(diffIds: readonly Digest[]): LayerHold {
    this.holds++;
    return { missing: new Set(diffIds.filter((diffId) => !this.layers.has(diffId))), release: () => void this.holds-- };
  }

  async addLayer(_hold: LayerHold, file: LayerFile, options: StoreOptions): Promise<void> {
    await this.adding(file, options);
    this.calls.push(`layer ${file.diffId.slice(7, 11)}`);
    this.layers.set(file.diffId, readFileSync(file.path, 'utf8'));
  }

  async addImage(hold: LayerHold, { name, config, source, manifestDigest }: NewImage): Promise<StoredImage> {
    if (hold.missing.size > 0) throw new WardenError('internal', 'a layer is not held');
    this.calls.push(`image ${name}`);
    const image = { id: `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64)}` as const, names: [name], sizeInBytes: 0, createdMs: undefined, layers: [], containers: 0, config: Buffer.from(config).toString(), source, manifestDigest };
    this.images.set(name, image);
    return image;
  }
}
