/** A registry in memory for tests: it has what it is given, and misbehaves as a test says. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Digest } from './digest.js';

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
export const indexType = 'application/vnd.oci.image.index.v1+json';
export const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';

export function digestOf(content: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** Answers a request in place of the registry; false: it did not. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => boolean;

export class FakeRegistry {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, { readonly type: string; readonly body: Buffer }>();
  /** Every request, `GET /v2/…`, with what it asked to begin at. */
  readonly requests: { readonly method: string; readonly url: string; readonly range: string | undefined; readonly authorization: string | undefined }[] = [];
  answer: Answer = () => false;
  readonly #server: Server;

  private constructor(tls: ServerOptions | undefined) {
    const listener = (request: IncomingMessage, response: ServerResponse): void => this.#respond(request, response);
    this.#server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  }

  static async listen(tls?: ServerOptions): Promise<FakeRegistry> {
    const registry = new FakeRegistry(tls);
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  addBlob(content: Uint8Array | string): { readonly digest: Digest; readonly size: number } {
    const body = Buffer.from(content);
    const digest = digestOf(body);
    this.blobs.set(digest, body);
    return { digest, size: body.length };
  }

  addManifest(references: readonly string[], manifest: object, type: string): Digest {
    const body = Buffer.from(JSON.stringify(manifest));
    const digest = digestOf(body);
    for (const reference of [...references, digest]) this.manifests.set(reference, { type, body });
    return digest;
  }

  /** An image whose layers have this content; their diff ids are made up of it. */
  addImage(tag: string, layers: readonly (Uint8Array | string)[], config: object = {}): Digest {
    const descriptors = layers.map((layer) => ({ mediaType: layerType, ...this.addBlob(layer) }));
    const configuration = this.addBlob(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: layers.map((layer) => digestOf(`plain ${digestOf(layer)}`)) }, ...config }));
    return this.addManifest([tag], { schemaVersion: 2, mediaType: manifestType, config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...configuration }, layers: descriptors }, manifestType);
  }

  #respond(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = request;
    this.requests.push({ method, url, range: headers.range, authorization: headers.authorization });
    if (this.answer(request, response)) return;
    const [, kind, reference = ''] = /^\/v2\/[^?]+\/(manifests|blobs)\/([^?/]+)$/.exec(url) ?? [];
    const manifest = kind === 'manifests' ? this.manifests.get(reference) : undefined;
    const blob = kind === 'blobs' ? this.blobs.get(reference) : undefined;
    if (url === '/v2/') response.end('{}');
    else if (manifest !== undefined) response.writeHead(200, { 'content-type': manifest.type, 'docker-content-digest': digestOf(manifest.body) }).end(manifest.body);
    else if (blob !== undefined) sendBlob(blob, headers.range, response);
    else response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [{ code: 'NAME_UNKNOWN', message: 'not known here' }] }));
  }
}

export function sendBlob(blob: Buffer, range: string | undefined, response: ServerResponse): void {
  const [, from] = /^bytes=(\d+)-$/.exec(range ?? '') ?? [];
  if (from === undefined) response.writeHead(200, { 'content-length': blob.length }).end(blob);
  else {
    const rest = blob.subarray(Number(from));
    response.writeHead(206, { 'content-length': rest.length, 'content-range': `bytes ${from}-${blob.length - 1}/${blob.length}` }).end(rest);
  }
}
