/**
 * Images as files below a directory: what `docker save` writes (manifest.json), and the image layout of the OCI (oci-layout, index.json). Whoever
 * made them is not trusted: texts have limits, what is named by a digest has it, and no path leads out.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, readFileSync, type Stats } from 'node:fs';
import { lstat, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { WardenError } from 'warden-protocol';
import { parseDigest, type Digest } from '../lib/digest.js';
import { z } from '../lib/zod.js';
import { configLimitInBytes } from './image-config.js';
import { canonicalName, parseImageName } from './image-name.js';
import { openRegular } from './open-regular.js';

export interface ImageFiles {
  /** Canonical. */
  readonly names: readonly string[];
  readonly config: Uint8Array;
  /** Of its layers, the lowest first; with what the file has to have, when that is said. */
  readonly layers: readonly { readonly path: string; readonly digest: Digest | undefined }[];
  readonly manifestDigest: Digest | undefined;
}

const textLimitInBytes = 4 * 1024 * 1024;
const imagesLimit = 256;
const nestingLimit = 4;

const path = z.string().min(1).max(1024);
const savedSchema = z.array(z.object({ Config: path, RepoTags: z.array(z.string()).nullish(), Layers: z.array(path).max(1024) })).min(1).max(imagesLimit);
const descriptorSchema = z.object({
  mediaType: z.string().nullish(),
  digest: z.string().transform((text, context): Digest => {
    const parsed = parseDigest(text);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: 'is no sha256 digest' });
    return z.NEVER;
  }),
  annotations: z.record(z.string(), z.string()).nullish(),
  platform: z.object({ architecture: z.string().nullish(), os: z.string().nullish() }).nullish(),
});
type Descriptor = ReturnType<typeof descriptorSchema.parse>;
const indexSchema = z.object({ manifests: z.array(descriptorSchema).max(imagesLimit) });
const manifestSchema = z.object({ config: descriptorSchema, layers: z.array(descriptorSchema).max(1024) });
const layoutSchema = z.object({ imageLayoutVersion: z.string() });

/**
 * The images of a directory; undefined: it is none that has images, perhaps a root file system.
 * @param root without symbolic links, as it was found: where one leads that was put on the way since is not read
 * @param architecture of images for several, as Go has it: amd64
 * @throws WardenError invalid_argument
 */
export async function imagesOf(root: string, architecture: string): Promise<ImageFiles[] | undefined> {
  const files = new Files(root);
  const saved = savedSchema.safeParse(await files.json('manifest.json'));
  if (saved.success) return await Promise.all(saved.data.map((image) => savedImage(files, image)));
  const layout = layoutSchema.safeParse(await files.json('oci-layout'));
  if (!layout.success) return undefined;
  const index = check(indexSchema.safeParse(await files.json('index.json')), 'index.json');
  const images = (await Promise.all(index.manifests.map((descriptor) => layoutImages(files, descriptor, architecture, 0)))).flat();
  if (images.length === 0) throw refused(`it has no image for linux/${architecture}`);
  return images;
}

async function savedImage(files: Files, { Config, RepoTags, Layers }: ReturnType<typeof savedSchema.parse>[number]): Promise<ImageFiles> {
  return {
    names: (RepoTags ?? []).map((name) => canonicalName(parseImageName(name))),
    config: await files.read(Config, configLimitInBytes),
    layers: await Promise.all(Layers.map(async (layer) => ({ path: await files.locate(layer), digest: undefined }))),
    manifestDigest: undefined,
  };
}

/** Of an index, those for this machine; of a manifest, its image. */
async function layoutImages(files: Files, descriptor: Descriptor, architecture: string, depth: number): Promise<ImageFiles[]> {
  const { platform, digest } = descriptor;
  if (platform?.architecture !== undefined && platform.architecture !== null && (platform.architecture !== architecture || platform.os !== 'linux')) return [];
  const bytes = await files.blob(digest, textLimitInBytes);
  const value = parse(bytes, digest);
  const index = indexSchema.safeParse(value);
  if (index.success) {
    if (depth === nestingLimit) throw refused(`its indexes are more than ${nestingLimit} levels deep`);
    const nested = await Promise.all(index.data.manifests.map((each) => layoutImages(files, { ...each, annotations: { ...descriptor.annotations, ...each.annotations } }, architecture, depth + 1)));
    return nested.flat();
  }
  const { config, layers } = check(manifestSchema.safeParse(value), digest);
  return [{
    names: namesOf(descriptor),
    config: await files.blob(config.digest, configLimitInBytes),
    layers: await Promise.all(layers.map(async (layer) => ({ path: await files.locate(blobPath(layer.digest)), digest: layer.digest }))),
    manifestDigest: digest,
  }];
}

/** What containerd and docker write is the whole name; the OCI's own annotation is often only a tag, and then no name. */
function namesOf({ annotations }: Descriptor): string[] {
  const text = annotations?.['io.containerd.image.name'] ?? annotations?.['org.opencontainers.image.ref.name'];
  if (text === undefined) return [];
  try {
    return [canonicalName(parseImageName(text))];
  } catch {
    return [];
  }
}

const blobPath = (digest: Digest): string => `blobs/sha256/${digest.slice('sha256:'.length)}`;

class Files {
  constructor(private readonly root: string) {}

  /** A regular file's path without links. @throws WardenError invalid_argument */
  async locate(name: string): Promise<string> {
    const found = await realpath(join(this.root, name)).catch(() => undefined);
    if (found === undefined) throw refused(`it lacks ${JSON.stringify(name)}`);
    if (!found.startsWith(`${this.root}/`)) throw refused(`${JSON.stringify(name)} leads out of it`);
    const status: Stats = await lstat(found);
    if (!status.isFile()) throw refused(`${JSON.stringify(name)} is no file`);
    return found;
  }

  async read(name: string, limitInBytes: number): Promise<Buffer> {
    const file = openRegular(await this.locate(name));
    try {
      const { size } = fstatSync(file);
      if (size > limitInBytes) throw refused(`${JSON.stringify(name)} has ${size} bytes, more than ${limitInBytes}`);
      return readFileSync(file);
    } finally {
      closeSync(file);
    }
  }

  /** With the digest that it is named by. */
  async blob(digest: Digest, limitInBytes: number): Promise<Buffer> {
    const bytes = await this.read(blobPath(digest), limitInBytes);
    const found = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    if (found !== digest) throw refused(`what is named ${digest} is ${found}`);
    return bytes;
  }

  /** Undefined when there is no such file, or nothing of the kind in it. */
  async json(name: string): Promise<unknown> {
    try {
      return JSON.parse((await this.read(name, textLimitInBytes)).toString('utf8'));
    } catch {
      return undefined;
    }
  }
}

function parse(bytes: Buffer, name: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw refused(`${name} is not JSON`);
  }
}

function check<Value>(checked: { success: true; data: Value } | { success: false; error: { issues: { path: PropertyKey[]; message: string }[] } }, name: string): Value {
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw refused(`${name}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not as it should be'}`);
}

function refused(why: string): WardenError {
  return new WardenError('invalid_argument', `the image cannot be imported: ${why}`);
}
