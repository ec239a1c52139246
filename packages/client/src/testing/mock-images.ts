// Images and named root file systems of the mock server, of which nothing is real: a pull makes an image of its reference.
import { createHash } from 'node:crypto';
import { type ImagePullResponse, type ImageSummary, Type, WardenError } from 'warden-protocol';
import type { FakeHandlers } from './fake-server.js';

type ImageTypes = Type.ImageImport | Type.ImagePull | Type.ImageList | Type.ImageInspect | Type.ImageRemove | Type.RootfsList | Type.RootfsSet;

/** Bytes of every image. */
const SIZE = 1024n;

/** `server.images`: what was pulled or imported, and the names of root file systems; a test may change both. */
export class MockImages {
  /** By their ids. */
  readonly all = new Map<string, ImageSummary>();
  /** Paths of root file systems by their names. */
  readonly rootfs = new Map<string, string>();

  /** Makes an image, or gives one of the same source another name. */
  add(name: string, source = name): ImageSummary {
    const id = `sha256:${createHash('sha256').update(source).digest('hex')}`;
    for (const image of this.all.values()) image.names = image.names.filter((other) => other !== name);
    const image = this.all.get(id) ?? { id, names: [], sizeBytes: SIZE, createdMs: BigInt(Date.now()), layers: [], containers: 0 };
    image.names.push(name);
    this.all.set(id, image);
    return image;
  }

  /** @internal */
  handlers(): Required<Pick<FakeHandlers, ImageTypes>> {
    const pull = (reference: string): ImageSummary => this.add(reference);
    return {
      [Type.ImagePull]: async function* ({ reference, progress }): AsyncGenerator<Partial<ImagePullResponse>, void, void> {
        if (progress === true) yield { progress: { item: reference, step: 'fetch', doneBytes: SIZE, totalBytes: SIZE, layers: 1 } };
        const image = pull(reference);
        yield { image, manifestDigest: image.id ?? '' };
      },
      [Type.ImageImport]: ({ path, name = path }) => ({ images: [this.add(name, path)] }),
      [Type.ImageList]: () => ({ images: [...this.all.values()] }),
      [Type.ImageInspect]: ({ name }) => ({ image: this.#find(name), config: '{}' }),
      [Type.ImageRemove]: ({ name }) => {
        const image = this.#find(name);
        const untagged = image.names.includes(name) ? [name] : image.names;
        image.names = image.names.filter((other) => !untagged.includes(other));
        if (image.names.length > 0) return { untagged };
        this.all.delete(image.id ?? '');
        return { untagged, removed: image.id };
      },
      [Type.RootfsList]: () => ({ rootfs: Array.from(this.rootfs, ([name, path]) => ({ name, path })) }),
      [Type.RootfsSet]: ({ name, path, remove }) => {
        if (remove === true && !this.rootfs.delete(name)) throw new WardenError('not_found', `no root file system is called ${name}`);
        if (remove !== true) this.rootfs.set(name, path ?? '');
        return {};
      },
    };
  }

  #find(name: string): ImageSummary {
    const found = [...this.all.values()].find(({ id = '', names }) => names.includes(name) || (name.length > 6 && (id.startsWith(name) || id.startsWith(`sha256:${name}`))));
    if (found === undefined) throw new WardenError('not_found', `no image ${name}`);
    return found;
  }
}
