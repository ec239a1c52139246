// Calls about images and named root file systems: `client.images.pull(…)`, `client.rootfs.list()`.
import { type ImageImportResponse, type ImageInspectResponse, type ImageListResponse, type ImageProgress, type ImagePullResponse, type ImageRemoveResponse, type RequestInit,
  type RequestType, type ResponseOf, type RootfsListResponse, type RootfsSetResponse, Type } from 'warden-protocol';
import type { CallOptions } from './cancellation.js';

/** What calls take that may tell how far they are. */
export interface ProgressOptions extends CallOptions {
  /** Called for each report of the server, some ten a second. */
  onProgress?: ((progress: ImageProgress) => void) | undefined;
}

/** What carries the requests. */
interface Requests {
  requestEach<T extends RequestType>(type: T, request: RequestInit<T>, onReply: ((response: ResponseOf<T>) => void) | undefined, options?: CallOptions): Promise<ResponseOf<T>>;
}

/** `client.images` and `warden.images`: images of the server. */
export class ImageCalls {
  readonly #requests: Requests;

  /** @internal Made by WardenClient. */
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Fetches an image from a registry. It then has its reference as name. */
  pull(request: Omit<RequestInit<Type.ImagePull>, 'progress'>, { onProgress, ...options }: ProgressOptions = {}): Promise<ImagePullResponse> {
    return this.#requests.requestEach(Type.ImagePull, { ...request, progress: onProgress !== undefined }, ({ progress }) => tell(onProgress, progress), options);
  }

  /** Makes images of a file or directory on the server's host: what docker save made, an OCI layout, or the tar of a root file system. */
  import(request: Omit<RequestInit<Type.ImageImport>, 'progress'>, { onProgress, ...options }: ProgressOptions = {}): Promise<ImageImportResponse> {
    return this.#requests.requestEach(Type.ImageImport, { ...request, progress: onProgress !== undefined }, ({ progress }) => tell(onProgress, progress), options);
  }

  /** All images, with their names and how many containers are made of each. */
  list(options?: CallOptions): Promise<ImageListResponse> {
    return this.#requests.requestEach(Type.ImageList, {}, undefined, options);
  }

  /** An image with its configuration, by a name, an id, or the beginning of an id. */
  inspect(request: RequestInit<Type.ImageInspect>, options?: CallOptions): Promise<ImageInspectResponse> {
    return this.#requests.requestEach(Type.ImageInspect, request, undefined, options);
  }

  /** Takes a name of an image away, and the image with its last name; or, given an id, the image with all of them. */
  remove(request: RequestInit<Type.ImageRemove>, options?: CallOptions): Promise<ImageRemoveResponse> {
    return this.#requests.requestEach(Type.ImageRemove, request, undefined, options);
  }
}

/** Directories of the server's host that create knows by a name. */
export class RootfsCalls {
  readonly #requests: Requests;

  /** @internal Made by WardenClient. */
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** All names, and the directory of each. */
  list(options?: CallOptions): Promise<RootfsListResponse> {
    return this.#requests.requestEach(Type.RootfsList, {}, undefined, options);
  }

  /** Gives a directory a name. */
  add(request: { readonly name: string; readonly path: string }, options?: CallOptions): Promise<RootfsSetResponse> {
    return this.#requests.requestEach(Type.RootfsSet, request, undefined, options);
  }

  /** Takes a name away; the directory stays. */
  remove({ name }: { readonly name: string }, options?: CallOptions): Promise<RootfsSetResponse> {
    return this.#requests.requestEach(Type.RootfsSet, { name, remove: true }, undefined, options);
  }
}

function tell(onProgress: ProgressOptions['onProgress'], progress: ImageProgress | undefined): void {
  if (progress !== undefined) onProgress?.(progress);
}
