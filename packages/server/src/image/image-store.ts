/** What requests about images need of the store, and pulls with them. The store keeps layers by what is in them, each once. */
import type { Digest } from '../lib/digest.js';

export interface StoredLayer {
  /** Of the uncompressed content. */
  readonly diffId: Digest;
  readonly sizeInBytes: number;
}

export interface StoredImage {
  /** Of the configuration. */
  readonly id: Digest;
  /** Canonical; empty when later images have taken them all. */
  readonly names: readonly string[];
  /** Of all layers as they lie on the disk, also of those that others share. */
  readonly sizeInBytes: number;
  /** Since 1970, as the image says. */
  readonly createdMs: number | undefined;
  /** The lowest first. */
  readonly layers: readonly StoredLayer[];
  /** Containers that are made of it. */
  readonly containers: number;
}

export interface StoredImageDetails extends StoredImage {
  /** The configuration as it came: JSON. */
  readonly config: string;
  /** Where it came from: a path, or `docker://…`. */
  readonly source: string | undefined;
  readonly manifestDigest: Digest | undefined;
}

export interface StoreProgress {
  /** A layer's digest, or a file's name. */
  readonly item: string;
  readonly step: 'extracting' | 'present' | 'done';
  readonly doneInBytes: number;
  readonly totalInBytes: number | undefined;
}

export interface StoreOptions {
  /** Gives it up: WardenError canceled, and nothing is left. */
  readonly signal: AbortSignal;
  readonly progress: (progress: StoreProgress) => void;
}

/** Layers that stay while somebody needs them, whatever is removed meanwhile. */
export interface LayerHold {
  /** Those that were not there. */
  readonly missing: ReadonlySet<Digest>;
  release(): void;
}

/** A layer as a registry has it, in a file. */
export interface LayerFile {
  /** Plain, or compressed by gzip or zstd. */
  readonly path: string;
  readonly diffId: Digest;
  readonly sizeInBytes: number;
}

export interface NewImage {
  /** Canonical. */
  readonly name: string;
  readonly config: Uint8Array;
  readonly source: string;
  readonly manifestDigest: Digest;
}

export interface ImageStore {
  list(): StoredImage[];
  /** By a name, an id, or the beginning of an id. @throws WardenError not_found; invalid_argument when the beginning is that of several */
  inspect(name: string): StoredImageDetails;
  /** What a name stands for; undefined: nothing. */
  find(name: string): Digest | undefined;
  /** @throws WardenError not_found; wrong_state while containers are made of it */
  remove(name: string): Promise<{ readonly untagged: readonly string[]; readonly removed: Digest | undefined }>;
  /**
   * @param path of the server's host
   * @param name in place of those that the file brings
   */
  import(path: string, name: string | undefined, options: StoreOptions): Promise<StoredImage[]>;

  /** For files of pulls alone: a directory on the store's file system, below one that only root can enter. */
  readonly incomingDirectory: string;
  hold(diffIds: readonly Digest[]): LayerHold;
  /**
   * Extracts a layer, and keeps it for the hold. Two at once of one layer: one works, the other waits. The file stays the caller's.
   * @throws WardenError invalid_argument when the content is not what its digest says, or breaks a limit
   */
  addLayer(hold: LayerHold, file: LayerFile, options: StoreOptions): Promise<void>;
  /** Keeps an image whose layers are all held, and moves the name to it. */
  addImage(hold: LayerHold, image: NewImage): Promise<StoredImage>;
}

/** Directories that create knows by a name. */
export interface NamedRootFileSystems {
  list(): { readonly name: string; readonly path: string }[];
  /** @throws WardenError exists when the name stands for another path; not_found, invalid_argument for the path */
  add(name: string, path: string): void;
  /** @throws WardenError not_found */
  remove(name: string): void;
}
