/*
 * The root file system of the run as the peers import it: an archive, and an image in the layout of the OCI, which is an archive too. The host's /usr is not
 * in it: every peer mounts that, read-only, as warden does.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';

/** As the peers know it. */
export const IMAGE = 'localhost/warden-bench:latest';
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');

/** The archive of a directory, with numbers for owners. Throws with what tar said. */
export function pack(directory: string, archive: string): void {
  const { status, stderr, error } = spawnSync('tar', ['--numeric-owner', '--sort=name', '-cf', archive, '-C', directory, '.'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`tar of ${directory}: ${error?.message ?? stderr.trim()}`);
}

/** Writes an image with one layer, `layer`, as the archive `image`; `directory` is used for it and removed. */
export function packImage(layer: string, image: string, directory: string): void {
  mkdirSync(`${directory}/blobs/sha256`, { recursive: true });
  const add = (mediaType: string, content: Buffer | string): { mediaType: string; digest: string; size: number } => {
    const digest = sha256(content);
    writeFileSync(`${directory}/blobs/sha256/${digest}`, content);
    return { mediaType, digest: `sha256:${digest}`, size: Buffer.byteLength(content) };
  };
  const content = readFileSync(layer);
  const layers = [add('application/vnd.oci.image.layer.v1.tar', content)];
  const platform = { architecture: ARCHITECTURES[arch()] ?? arch(), os: 'linux' };
  const config = add('application/vnd.oci.image.config.v1+json', JSON.stringify({ ...platform, config: {}, rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(content)}`] } }));
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = add(mediaType, JSON.stringify({ schemaVersion: 2, mediaType, config, layers }));
  const annotations = { 'io.containerd.image.name': IMAGE, 'org.opencontainers.image.ref.name': IMAGE };
  writeFileSync(`${directory}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, platform, annotations }] }));
  writeFileSync(`${directory}/oci-layout`, JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  pack(directory, image);
  rmSync(directory, { recursive: true });
}
