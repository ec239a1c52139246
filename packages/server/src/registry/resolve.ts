/** From a reference to an image's configuration and its layers, each verified by the digest it is named by. */
import { createHash } from 'node:crypto';
import { WardenError } from 'warden-protocol';
import { parseDigest, type Digest } from '../lib/digest.js';
import { configurationLimitInBytes } from '../lib/registry-messages.js';
import type { RegistryApi } from './api.js';
import { acceptedTypes, choosePlatform, parseManifest, type Descriptor, type Manifest } from './manifests.js';

/** The limit that registries have themselves. */
const manifestLimitInBytes = 4 * 1024 * 1024;

export interface Limits {
  readonly layerLimitInBytes: number;
  readonly imageLimitInBytes: number;
}

export interface Resolved {
  /** Of what the reference named: an index, if it was one. */
  readonly manifestDigest: Digest;
  readonly config: Buffer;
  readonly layers: readonly { readonly digest: Digest; readonly sizeInBytes: number }[];
}

/** @throws WardenError of any code */
export async function resolveImage(api: RegistryApi, reference: string, platform: string, limits: Limits): Promise<Resolved> {
  const first = await fetchManifest(api, reference);
  const manifest = first.manifest.kind === 'manifest' ? first.manifest : await manifestOf(api, choosePlatform(first.manifest, platform));
  checkSizes(manifest, limits);
  const config = await fetchSmall(api, `blobs/${manifest.config.digest}`, {}, configurationLimitInBytes, 'the configuration');
  requireDigest(config.body, manifest.config.digest, api.host, 'the configuration');
  return { manifestDigest: first.digest, config: config.body, layers: manifest.layers.map(({ digest, size }) => ({ digest, sizeInBytes: size })) };
}

async function manifestOf(api: RegistryApi, { digest }: Descriptor): Promise<Manifest> {
  const { manifest } = await fetchManifest(api, digest);
  if (manifest.kind === 'index') throw new WardenError('unsupported', `registry ${api.host}: an index in an index`);
  return manifest;
}

async function fetchManifest(api: RegistryApi, reference: string) {
  const { body, contentType, saidDigest } = await fetchSmall(api, `manifests/${reference}`, { accept: acceptedTypes }, manifestLimitInBytes, 'the manifest');
  const digest = digestOf(body);
  const wanted = parseDigest(reference) ?? (saidDigest === undefined ? undefined : parseDigest(saidDigest));
  if (wanted !== undefined) requireDigest(body, wanted, api.host, 'the manifest');
  return { manifest: parseManifest(body, contentType), digest };
}

async function fetchSmall(api: RegistryApi, path: string, headers: Readonly<Record<string, string>>, limitInBytes: number, what: string) {
  const reply = await api.get(path, headers, [200]);
  const said = reply.headers['docker-content-digest'];
  const body = await api.transport.bytes(reply, api.host, limitInBytes, what);
  return { body, contentType: reply.headers['content-type'], saidDigest: typeof said === 'string' ? said : undefined };
}

function checkSizes({ layers, config }: Manifest, { layerLimitInBytes, imageLimitInBytes }: Limits): void {
  const largest = Math.max(0, ...layers.map(({ size }) => size));
  if (largest > layerLimitInBytes) throw new WardenError('exhausted', `the image has a layer of ${largest} bytes, the limit is ${layerLimitInBytes} (images.max_layer_size)`);
  const sum = layers.reduce((total, { size }) => total + size, config.size);
  if (sum > imageLimitInBytes) throw new WardenError('exhausted', `the image has ${sum} bytes, the limit is ${imageLimitInBytes} (images.max_image_size)`);
}

function digestOf(body: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(body).digest('hex')}`;
}

function requireDigest(body: Uint8Array, wanted: Digest, host: string, what: string): void {
  const digest = digestOf(body);
  if (digest !== wanted) throw new WardenError('protocol', `registry ${host}: ${what} is not what its digest says: ${digest} in place of ${wanted}`);
}
