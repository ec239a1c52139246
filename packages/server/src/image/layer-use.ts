/** Who needs which layers: images, containers, and holds of what is being added. A layer that nobody needs any more goes. */
import type { ContainerImage } from '../host/image.js';
import type { Digest } from '../lib/digest.js';
import type { LayerHold } from './image-store.js';

export class LayerUse {
  /** Layers that are there, with their size in bytes. */
  readonly #layers: Map<Digest, number>;
  readonly #needs = new Map<string, ReadonlySet<Digest>>();
  readonly #containers = new Map<string, { readonly handle: string | undefined; readonly image: Digest }>();
  readonly #counts = new Map<Digest, number>();
  /** Until all who were there before are known, and when that cannot be, nothing goes. */
  #begun = false;
  #keepsAll = false;
  #holdNumber = 0;
  readonly #holdNames = new WeakMap<LayerHold, string>();

  constructor(layers: Map<Digest, number>, private readonly drop: (layer: Digest) => void) {
    this.#layers = layers;
  }

  begin(): void {
    this.#begun = true;
    for (const layer of [...this.#layers.keys()]) this.#dropUnneeded(layer);
  }

  has(layer: Digest): boolean {
    return this.#layers.has(layer);
  }

  sizeOf(layer: Digest): number {
    return this.#layers.get(layer) ?? 0;
  }

  add(layer: Digest, sizeInBytes: number): void {
    this.#layers.set(layer, sizeInBytes);
  }

  /** @param who takes the place of what that one needed before */
  keep(who: string, layers: readonly Digest[]): void {
    const needed = new Set(layers);
    for (const layer of needed) this.#counts.set(layer, (this.#counts.get(layer) ?? 0) + 1);
    this.release(who);
    this.#needs.set(who, needed);
  }

  release(who: string): void {
    const needed = this.#needs.get(who);
    this.#needs.delete(who);
    for (const layer of needed ?? []) {
      const count = (this.#counts.get(layer) ?? 0) - 1;
      if (count > 0) this.#counts.set(layer, count);
      else {
        this.#counts.delete(layer);
        this.#dropUnneeded(layer);
      }
    }
  }

  hold(layers: readonly Digest[]): LayerHold {
    const name = `hold ${this.#holdNumber++}`;
    this.keep(name, layers);
    const hold: LayerHold = { missing: new Set(layers.filter((layer) => !this.has(layer))), release: () => this.release(name) };
    this.#holdNames.set(hold, name);
    return hold;
  }

  join(hold: LayerHold, layer: Digest): void {
    const name = this.#holdNames.get(hold);
    if (name !== undefined && this.#needs.has(name)) this.keep(name, [...(this.#needs.get(name) ?? []), layer]);
  }

  holdForContainer(containerId: string, handle: string | undefined, { id, layers }: ContainerImage): void {
    this.keep(`container ${containerId}`, layers);
    this.#containers.set(containerId, { handle, image: id });
  }

  releaseContainer(containerId: string): void {
    if (this.#containers.delete(containerId)) this.release(`container ${containerId}`);
  }

  /** Handles of the containers that are made of an image. */
  containersOf(image: Digest): string[] {
    return [...this.#containers.values()].flatMap((container) => (container.image === image && container.handle !== undefined ? [container.handle] : []));
  }

  holdEverything(): void {
    this.#keepsAll = true;
  }

  #dropUnneeded(layer: Digest): void {
    if (!this.#begun || this.#keepsAll || this.#counts.has(layer) || !this.#layers.has(layer)) return;
    this.#layers.delete(layer);
    this.drop(layer);
  }
}
