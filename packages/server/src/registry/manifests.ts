/** Manifests and indexes, of OCI and of Docker's second schema (image-spec, manifest.md and image-index.md). Pure. */
import { WardenError } from 'warden-protocol';
import { parseDigest, type Digest } from '../lib/digest.js';
import { layersLimit } from '../lib/registry-messages.js';
import { z } from '../lib/zod.js';

const manifestTypes = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'];
const indexTypes = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'];
export const acceptedTypes = [...manifestTypes, ...indexTypes].join(', ');

/** Plain, or compressed by gzip or zstd. */
const layerTypes = /^application\/vnd\.(?:oci\.image\.layer\.v1\.tar(?:\+(?:gzip|zstd))?|docker\.image\.rootfs\.diff\.tar(?:\.(?:gzip|zstd))?)$/;
const indexEntriesLimit = 1000;

const digest = z.custom<Digest>((value) => typeof value === 'string' && parseDigest(value) !== undefined, 'is no sha256 digest');
const descriptor = z.object({ mediaType: z.string().max(255), digest, size: z.int().min(0).max(Number.MAX_SAFE_INTEGER) });
const platform = z.object({ os: z.string().max(64), architecture: z.string().max(64), variant: z.string().max(64).optional() });
const manifestSchema = z.object({ schemaVersion: z.literal(2), mediaType: z.string().max(255).optional(), config: descriptor, layers: z.array(descriptor).max(layersLimit) });
const indexSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().max(255).optional(),
  manifests: z.array(descriptor.extend({ platform: platform.optional() })).max(indexEntriesLimit),
});

export type Descriptor = { readonly mediaType: string; readonly digest: Digest; readonly size: number };
export interface Manifest { readonly kind: 'manifest'; readonly config: Descriptor; readonly layers: readonly Descriptor[] }
export interface Index { readonly kind: 'index'; readonly manifests: readonly (Descriptor & { readonly platform?: { os: string; architecture: string; variant?: string | undefined } | undefined })[] }

/**
 * @param contentType of the reply; the document's own type counts more
 * @throws WardenError protocol, unsupported
 */
export function parseManifest(body: Uint8Array, contentType: string | undefined): Manifest | Index {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (error) {
    throw new WardenError('protocol', 'the manifest is not JSON', { cause: error });
  }
  if (typeof value !== 'object' || value === null) throw new WardenError('protocol', 'the manifest is no JSON object');
  if ('schemaVersion' in value && value.schemaVersion === 1) throw new WardenError('unsupported', 'the manifest is of the first schema, which verifies nothing; have the image pushed again by a newer program');
  const type = 'mediaType' in value ? value.mediaType : contentType?.split(';')[0]?.trim();
  // One that says it is the one and has what the other has would mean different things to different readers.
  if ('manifests' in value && ('layers' in value || 'config' in value)) throw new WardenError('protocol', 'the manifest is an index and a manifest at once');
  if (typeof type === 'string' && indexTypes.includes(type) && 'manifests' in value) return { kind: 'index', manifests: check(indexSchema, value).manifests };
  if (typeof type === 'string' && manifestTypes.includes(type) && 'config' in value) {
    const { config, layers } = check(manifestSchema, value);
    for (const layer of layers) {
      if (!layerTypes.test(layer.mediaType)) throw new WardenError('unsupported', `the manifest has a layer of type ${JSON.stringify(layer.mediaType)}, which is no layer of files that can be fetched here`);
    }
    return { kind: 'manifest', config, layers };
  }
  throw new WardenError('unsupported', `the manifest is of type ${JSON.stringify(type)}, which is no image's`);
}

function check<Value>(schema: { safeParse(value: unknown): { success: true; data: Value } | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } } }, value: unknown): Value {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw new WardenError('protocol', `the manifest: ${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'is not as it should be'}`);
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', arm64: 'arm64', arm: 'arm', ppc64: 'ppc64le', s390x: 's390x', riscv64: 'riscv64', loong64: 'loong64' };

/** This machine's, as images call it. */
export function ownPlatform(architecture: string = process.arch): string {
  return `linux/${architectures[architecture] ?? architecture}`;
}

/** The entry of an index for a platform. @throws WardenError not_found, with what there is */
export function choosePlatform({ manifests }: Index, wanted: string): Descriptor {
  const [os, architecture, variant] = wanted.split('/');
  const fitting = manifests.filter((entry) => manifestTypes.includes(entry.mediaType) && entry.platform?.os === os && entry.platform?.architecture === architecture);
  const chosen = variant === undefined ? fitting[0] : fitting.find((entry) => (entry.platform?.variant ?? '') === variant);
  if (chosen !== undefined) return chosen;
  const there = [...new Set(manifests.map((entry) => [entry.platform?.os, entry.platform?.architecture, entry.platform?.variant].filter((part) => part !== undefined).join('/')))].slice(0, 20);
  throw new WardenError('not_found', `the image is not there for ${wanted}, only for ${JSON.stringify(there.join(', '))}`);
}
