/*
 * Images for tests, made of this machine's own files: a base layer with a shell and a few programs with their libraries, layers of whatever a test puts
 * into a directory, and the forms in which images are handed about: what docker save writes, the layout of the OCI, plain archives.
 */
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mustRun } from './run-program.js';

export type Compression = 'none' | 'gzip' | 'zstd';

export interface Layer {
  /** An archive, perhaps compressed. */
  readonly path: string;
  /** sha256:… of the content. */
  readonly diffId: string;
  /** sha256:… of the file. */
  readonly digest: string;
  readonly compression: Compression;
}

export interface ImageConfig { readonly Env?: string[]; readonly User?: string; readonly WorkingDir?: string; readonly Entrypoint?: string[]; readonly Cmd?: string[] }

const PROGRAMS = ['bash', 'cat', 'ls', 'id', 'env', 'pwd', 'stat', 'touch', 'sha256sum', 'head', 'mkdir', 'rm'];

export const sha256 = (data: Buffer | string): string => `sha256:${createHash('sha256').update(data).digest('hex')}`;
export const hex = (digest: string): string => digest.slice('sha256:'.length);

/** A root file system in which jobs can run: some tens of megabytes less than the host's. */
export async function buildBase(directory: string): Promise<void> {
  for (const name of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev', 'root', 'home', 'srv', 'var']) mkdirSync(join(directory, name), { recursive: true });
  chmodSync(join(directory, 'tmp'), 0o1777);
  chmodSync(join(directory, 'root'), 0o700);
  writeFileSync(join(directory, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\napp:x:1234:1235:app:/srv:/bin/bash\n');
  writeFileSync(join(directory, 'etc/group'), 'root:x:0:\napp:x:1235:\n');
  for (const name of PROGRAMS) {
    const source = realpathSync(`/usr/bin/${name}`);
    copyFileSync(source, join(directory, 'bin', name));
    for (const [library] of (await mustRun('ldd', [source])).matchAll(/\/[^\s)]+/g)) {
      const target = join(directory, library);
      if (existsSync(target)) continue;
      mkdirSync(dirname(target), { recursive: true });
      copyFileSync(realpathSync(library), target);
    }
  }
}

/** An archive of a directory, whose files keep their modes and belong to root unless they do not on the disk. */
export async function packLayer(directory: string, path: string, compression: Compression = 'none', options: readonly string[] = []): Promise<Layer> {
  await mustRun('tar', ['--numeric-owner', '--sort=name', '--format=posix', '--pax-option=delete=atime,delete=ctime', ...options, '-cf', path, '-C', directory, '.']);
  return await describeLayer(path, compression);
}

/** A file that is an archive becomes a layer, compressed in its place. */
export async function describeLayer(path: string, compression: Compression): Promise<Layer> {
  const diffId = sha256(readFileSync(path));
  if (compression === 'gzip') await mustRun('gzip', ['-n', '-S', '.z', path]);
  if (compression === 'zstd') await mustRun('zstd', ['-q', '--rm', path, '-o', `${path}.z`]);
  const result = compression === 'none' ? path : `${path}.z`;
  return { path: result, diffId, digest: sha256(readFileSync(result)), compression };
}

export function configOf(layers: readonly Layer[], config: ImageConfig = {}, more: object = {}): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  return JSON.stringify({ created: '2026-01-02T03:04:05Z', architecture, os: 'linux', config, rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) }, ...more });
}

/** What `docker save NAME` writes, as a directory. Its layers are never compressed, but nothing keeps them from it. */
export function dockerSave(directory: string, images: readonly { readonly names: readonly string[]; readonly config: string; readonly layers: readonly Layer[] }[]): void {
  mkdirSync(directory, { recursive: true });
  const manifest = images.map(({ names, config, layers }) => {
    const file = `${hex(sha256(config))}.json`;
    writeFileSync(join(directory, file), config);
    for (const layer of layers) {
      mkdirSync(join(directory, hex(layer.diffId)), { recursive: true });
      copyFileSync(layer.path, join(directory, hex(layer.diffId), 'layer.tar'));
    }
    return { Config: file, RepoTags: names, Layers: layers.map(({ diffId }) => `${hex(diffId)}/layer.tar`) };
  });
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
}

export interface OciImage { readonly name?: string; readonly config: string; readonly layers: readonly Layer[]; readonly platform?: { os: string; architecture: string } }

/** An image layout of the OCI. @returns the manifests' digests */
export function ociLayout(directory: string, images: readonly OciImage[]): string[] {
  mkdirSync(join(directory, 'blobs/sha256'), { recursive: true });
  const put = (data: Buffer | string): { digest: string; size: number } => {
    const digest = sha256(data);
    writeFileSync(join(directory, 'blobs/sha256', hex(digest)), data);
    return { digest, size: Buffer.byteLength(data) };
  };
  const suffix = { none: '', gzip: '+gzip', zstd: '+zstd' } as const;
  const manifests = images.map(({ name, config, layers, platform }) => {
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...put(config) },
      layers: layers.map((layer) => ({ mediaType: `application/vnd.oci.image.layer.v1.tar${suffix[layer.compression]}`, ...put(readFileSync(layer.path)) })),
    };
    const annotations = name === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': name } };
    return { mediaType: manifest.mediaType, ...put(JSON.stringify(manifest)), ...annotations, ...(platform === undefined ? {} : { platform }) };
  });
  writeFileSync(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  writeFileSync(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  return manifests.map(({ digest }) => digest);
}

/** An archive of what a directory has at its top, as docker save and skopeo write them. */
export async function packArchive(directory: string, path: string): Promise<void> {
  await mustRun('tar', ['--numeric-owner', '-cf', path, '-C', directory, '--transform', 's,^\\./,,', '.']);
}
