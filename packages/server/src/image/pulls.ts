/**
 * Pulls: an image of a registry becomes one of the store. The registry's process fetches and verifies what the store lacks, several
 * layers at a time, the store extracts each as soon as it is there, and the image is kept when all of it is. What was begun and
 * given up is there for the next try: extracted layers until the hold goes, files of layers for a day.
 */
import { WardenError } from 'warden-protocol';
import type { Registry, RegistryCredentials, RegistrySession, RemoteLayer } from '../host/registry.js';
import type { Digest } from '../lib/digest.js';
import { KeyedMutex } from '../lib/keyed-mutex.js';
import { Slots } from '../lib/slots.js';
import { canonicalName, canonicalReference, parseImageReference, type ImageReference } from './image-name.js';
import type { ImageStore, LayerHold, StoredImage, StoreProgress } from './image-store.js';
import { readImageConfig } from './image-config.js';

/** Pulls at a time; others wait. */
const pullsAtATime = 4;

export const registryScheme = 'docker://';

export interface Progress {
  /** A layer's digest, a file's name, or the reference while its layers are not known. */
  readonly item: string;
  readonly step: StoreProgress['step'] | 'resolving' | 'downloading';
  readonly doneInBytes: number;
  readonly totalInBytes: number | undefined;
  /** Layers of the image, when they are known. */
  readonly layers?: number;
}

export interface PullRequest {
  readonly reference: string;
  readonly auth: Partial<RegistryCredentials> | undefined;
  readonly platform: string | undefined;
}

export interface PullOptions {
  /** Gives the pull up: WardenError canceled. */
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

export interface PulledImage {
  readonly image: StoredImage;
  readonly manifestDigest: Digest;
}

export interface PullConfiguration {
  /** The host of references that name none; undefined: they are refused. */
  readonly defaultRegistry: string | undefined;
  /** Layers of one pull at a time. */
  readonly parallelLayers: number;
}

export class Pulls {
  readonly #slots = new Slots(pullsAtATime);
  readonly #fetching = new KeyedMutex<Digest>();

  constructor(
    private readonly store: ImageStore,
    private readonly registry: Registry,
    private readonly configuration: PullConfiguration,
  ) {}

  /** @throws WardenError of any code; what was fetched may be gone on with */
  async pull(request: PullRequest, options: PullOptions): Promise<PulledImage> {
    const { reference, host } = this.#referenceOf(request.reference);
    const text = canonicalReference({ ...reference, host });
    checkPlatform(request.platform);
    return this.#slots.run(options.signal, async () => {
      options.progress({ item: text, step: 'resolving', doneInBytes: 0, totalInBytes: undefined });
      const session = this.registry.open({
        host, repository: reference.path, reference: reference.digest ?? reference.tag, credentials: credentialsOf(request.auth), platform: request.platform,
      });
      const end = (): void => session.close();
      options.signal.addEventListener('abort', end);
      try {
        return await this.#take(session, { name: nameOf({ ...reference, host }), source: `${registryScheme}${text}` }, options);
      } catch (error) {
        // Whatever has failed first, it failed because of that.
        if (options.signal.aborted) throw canceled(options.signal);
        throw error;
      } finally {
        options.signal.removeEventListener('abort', end);
        session.close();
      }
    });
  }

  /**
   * The image that a reference stands for in the store, pulled when it is not there.
   * @param policy when the registry is asked
   */
  async ensure(request: PullRequest, policy: 'missing' | 'always' | 'never', options: PullOptions): Promise<Digest> {
    const { reference, host } = this.#referenceOf(request.reference);
    const known = policy === 'always' ? undefined : this.store.find(nameOf({ ...reference, host }));
    if (known !== undefined) return known;
    if (policy === 'never') throw new WardenError('not_found', `image ${canonicalReference({ ...reference, host })} not found, and it is not to be pulled`);
    return (await this.pull(request, options)).image.id;
  }

  async #take(session: RegistrySession, { name, source }: { name: string; source: string }, options: PullOptions): Promise<PulledImage> {
    const { manifestDigest, config, layers } = await session.resolve();
    const { diffIds } = readImageConfig(config);
    if (diffIds.length !== layers.length) throw new WardenError('protocol', `${source}: its manifest has ${layers.length} layers, its configuration ${diffIds.length}`);
    const tell = (progress: Omit<Progress, 'layers'>): void => options.progress({ ...progress, layers: layers.length });
    const holds: LayerHold[] = [];
    try {
      // One hold for each layer, because each may come from another pull meanwhile.
      const wanted = new Map(layers.map((layer, index) => [diffIds[index] as Digest, layer]));
      await eachOf([...wanted], this.configuration.parallelLayers, async ([diffId, layer]) => {
        await this.#fetching.run(layer.digest, async () => {
          options.signal.throwIfAborted();
          const hold = this.store.hold([diffId]);
          holds.push(hold);
          if (hold.missing.size === 0) tell({ item: layer.digest, step: 'present', doneInBytes: layer.sizeInBytes, totalInBytes: layer.sizeInBytes });
          else await this.#fetch(session, layer, diffId, hold, { ...options, progress: tell });
        });
      });
      const hold = this.store.hold(diffIds);
      holds.push(hold);
      const image = await this.store.addImage(hold, { name, config, source, manifestDigest });
      return { image, manifestDigest };
    } finally {
      for (const hold of holds) hold.release();
    }
  }

  async #fetch(session: RegistrySession, layer: RemoteLayer, diffId: Digest, hold: LayerHold, { signal, progress }: PullOptions): Promise<void> {
    const { digest, sizeInBytes } = layer;
    const path = await session.fetch(layer, (doneInBytes) => progress({ item: digest, step: 'downloading', doneInBytes, totalInBytes: sizeInBytes }));
    try {
      await this.store.addLayer(hold, { path, diffId, sizeInBytes }, { signal, progress: (done) => progress({ ...done, item: digest }) });
    } finally {
      session.drop(layer);
    }
    progress({ item: digest, step: 'done', doneInBytes: sizeInBytes, totalInBytes: sizeInBytes });
  }

  #referenceOf(text: string): { reference: ImageReference; host: string } {
    const reference = parseImageReference(text.startsWith(registryScheme) ? text.slice(registryScheme.length) : text);
    const host = reference.host ?? this.configuration.defaultRegistry;
    if (host === undefined) {
      throw new WardenError('invalid_argument', `${JSON.stringify(text)} names no registry: write HOST/${reference.path}, or set images.default_registry`);
    }
    return { reference, host };
  }
}

/** The store's name of an image that was pulled: by a digest it has that for a tag, which no other pull moves. */
function nameOf(reference: ImageReference & { readonly host: string }): string {
  return canonicalName(reference.digest === undefined ? reference : { ...reference, tag: reference.digest.replace(':', '-') });
}

function checkPlatform(platform: string | undefined): void {
  if (platform !== undefined && !/^[a-z0-9]{1,16}\/[a-z0-9_]{1,16}(?:\/[a-z0-9.]{1,16})?$/.test(platform)) {
    throw new WardenError('invalid_argument', 'platform: has to be OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, such as linux/amd64');
  }
}

const credentialLimitInBytes = 64 * 1024;

function credentialsOf(auth: PullRequest['auth']): RegistryCredentials | undefined {
  if (auth === undefined) return undefined;
  const { username, password, identityToken } = auth;
  const length = [username, password, identityToken].reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0);
  if (length > credentialLimitInBytes) throw new WardenError('invalid_argument', `auth: longer than ${credentialLimitInBytes} bytes`);
  if (username?.includes(':') === true) throw new WardenError('invalid_argument', 'auth: a user name cannot have a colon in it');
  return { username, password, identityToken };
}

/** All of them, so many at a time. Begins no more when one has failed, and settles when none is under way. */
async function eachOf<Item>(items: readonly Item[], atATime: number, work: (item: Item) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      try {
        await work(items[next++] as Item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(atATime, items.length) }, worker));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}

function canceled(signal: AbortSignal): WardenError {
  return signal.reason instanceof WardenError ? signal.reason : new WardenError('canceled', 'the pull was given up', { cause: signal.reason });
}
