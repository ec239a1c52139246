/** Handlers of the requests about images and named root file systems. */
import { encodeResponse, PullPolicy, Type, WardenError, type ImageProgress, type ImageSummary, type Init, type RequestOf } from 'warden-protocol';
import type { ImageStore, NamedRootFileSystems, StoredImage } from '../image/image-store.js';
import { registryScheme, type Progress, type Pulls } from '../image/pulls.js';
import type { Call } from './call.js';
import type { Handlers } from './handlers.js';

/** What the handlers work on. */
export interface Images {
  readonly store: ImageStore;
  readonly pulls: Pulls;
  readonly named: NamedRootFileSystems;
}

type ImageTypes = Type.ImageImport | Type.ImagePull | Type.ImageList | Type.ImageInspect | Type.ImageRemove | Type.RootfsList | Type.RootfsSet;

const pathLimitInBytes = 4095;

/** @param images undefined: this server has none */
export function makeImageHandlers(images: Images | undefined): Pick<Handlers, ImageTypes> {
  function known(): Images {
    if (images === undefined) throw unsupported();
    return images;
  }

  return {
    [Type.ImageList]: () => ({ images: known().store.list().map(summary) }),
    [Type.ImageInspect]: (_call, { name }) => {
      const { config, source, manifestDigest, ...image } = known().store.inspect(name);
      return { image: summary(image), config, source, manifestDigest };
    },
    [Type.ImageRemove]: async (_call, { name }) => {
      const { untagged, removed } = await known().store.remove(name);
      return { untagged, removed };
    },
    [Type.ImageImport]: async (call, { path, name, progress }) => {
      const { store } = known();
      checkPath(path);
      const send = reporter(call, progress, (done) => encodeResponse(Type.ImageImport, { progress: done }));
      const imported = await store.import(path, name, { signal: goneSignal(call), progress: send });
      return { images: imported.map(summary) };
    },
    [Type.ImagePull]: async (call, { reference, auth, progress, platform }) => {
      const { pulls } = known();
      const send = reporter(call, progress, (done) => encodeResponse(Type.ImagePull, { progress: done }));
      const { image, manifestDigest } = await pulls.pull({ reference, auth, platform }, { signal: goneSignal(call), progress: send });
      return { image: summary(image), manifestDigest };
    },
    [Type.RootfsList]: () => ({ rootfs: known().named.list() }),
    [Type.RootfsSet]: (_call, { name, path, remove }) => {
      const { named } = known();
      if (remove === true) named.remove(name);
      else if (path === undefined) throw new WardenError('invalid_argument', 'rootfs_set: either path or remove has to be there');
      else {
        checkPath(path);
        named.add(name, path);
      }
      return {};
    },
  };
}

export function isRegistryReference(rootfs: string | undefined): boolean {
  return rootfs?.startsWith(registryScheme) === true;
}

/**
 * The root file system of a create that names an image of a registry: fetched when it has to be, and then by its id.
 * @throws WardenError of any code; canceled when the client has gone meanwhile
 */
export async function pulledRootfs(call: Call, images: Images | undefined, { rootfs = '', pull, registryAuth }: Pick<RequestOf<Type.Create>, 'rootfs' | 'pull' | 'registryAuth'>): Promise<string> {
  if (images === undefined) throw unsupported();
  const policy = pull === PullPolicy.ALWAYS ? 'always' : pull === PullPolicy.NEVER ? 'never' : 'missing';
  const id = await images.pulls.ensure({ reference: rootfs, auth: registryAuth, platform: undefined }, policy, { signal: goneSignal(call), progress: () => undefined });
  // The create itself takes no longer than any other.
  call.onInterrupt(undefined);
  return `image:${id}`;
}

function unsupported(): WardenError {
  return new WardenError('unsupported', 'images: this server has none (server.container_klass: Insecure): a create without a rootfs, or with /, sees the files of its machine');
}

/** Aborted when the client goes, or the server wants to end. */
function goneSignal(call: Call): AbortSignal {
  const controller = new AbortController();
  call.onInterrupt((reason) => controller.abort(reason));
  return controller.signal;
}

/** Sends progress to a client that wants it. For one that reads too slowly nobody waits: what it misses is told by the next. */
function reporter(call: Call, wanted: boolean | undefined, encode: (progress: Init<ImageProgress>) => Uint8Array): (progress: Progress) => void {
  if (wanted !== true) return () => undefined;
  let room = true;
  call.onWritable(() => {
    room = true;
  });
  return (progress) => {
    if (room && !call.gone) room = call.sendParts([encode(wireProgress(progress))]);
  };
}

function checkPath(path: string): void {
  if (!path.startsWith('/') || path.includes('\0') || Buffer.byteLength(path) > pathLimitInBytes) {
    throw new WardenError('invalid_argument', `path: has to be an absolute path of the server's host of at most ${pathLimitInBytes} bytes`);
  }
}

function wireProgress({ item, step, doneInBytes, totalInBytes, layers }: Progress): Init<ImageProgress> {
  return { item, step, doneBytes: BigInt(doneInBytes), totalBytes: totalInBytes === undefined ? undefined : BigInt(totalInBytes), layers };
}

function summary({ id, names, sizeInBytes, createdMs, layers, containers }: StoredImage): Init<ImageSummary> {
  return {
    id,
    names,
    sizeBytes: BigInt(sizeInBytes),
    createdMs: createdMs === undefined ? undefined : BigInt(createdMs),
    layers: layers.map((layer) => ({ diffId: layer.diffId, sizeBytes: BigInt(layer.sizeInBytes) })),
    containers,
  };
}
