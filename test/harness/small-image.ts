/* An image of files of this machine, in layers as registries have them: bash with what it needs, and whatever a test adds. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { mustRun } from './run-program.js';

export interface SmallLayer {
  /** As the registry has it. */
  readonly compressed: Buffer;
  readonly digest: string;
  /** Of the tar in it. */
  readonly diffId: string;
}

export interface SmallImage {
  readonly layers: readonly SmallLayer[];
  /** JSON. */
  readonly config: Buffer;
}

const programs = ['/usr/bin/bash', '/usr/bin/cat', '/usr/bin/env', '/usr/bin/id', '/usr/bin/ls', '/usr/bin/pwd'];

export function sha256(content: Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** A layer of the files below a directory. */
async function layerOf(directory: string, scratch: string): Promise<SmallLayer> {
  const path = join(scratch, 'layer.tar');
  await mustRun('tar', ['--create', '--file', path, '--numeric-owner', '--owner=0', '--group=0', '--sort=name', '--mtime=@0', '--directory', directory, '.']);
  return layerOfTar(readFileSync(path));
}

export function layerOfTar(tar: Buffer): SmallLayer {
  const compressed = gzipSync(tar, { level: 1 });
  return { compressed, digest: sha256(compressed), diffId: sha256(tar) };
}

/** A layer with these files. */
export async function layerOfFiles(files: Readonly<Record<string, string | Uint8Array>>): Promise<SmallLayer> {
  const scratch = mkdtempSync(join(tmpdir(), 'warden-layer-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(scratch, 'files', dirname(path)), { recursive: true });
      writeFileSync(join(scratch, 'files', path), content);
    }
    return await layerOf(join(scratch, 'files'), scratch);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

let base: Promise<SmallLayer> | undefined;

async function makeBase(): Promise<SmallLayer> {
  const scratch = mkdtempSync(join(tmpdir(), 'warden-base-'));
  try {
    const root = join(scratch, 'files');
    for (const name of ['bin', 'etc', 'home', 'root', 'tmp', 'usr', 'work']) mkdirSync(join(root, name), { recursive: true });
    const found = await mustRun('ldd', programs);
    const libraries = [...found.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(([, path]) => path ?? '');
    for (const path of new Set([...programs.map((program) => program.replace('/usr', '')), ...libraries])) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      copyFileSync(path, join(root, path));
    }
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\nserver:x:700:700::/work:/bin/bash\n');
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\nserver:x:700:\n');
    return await layerOf(root, scratch);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** The same for every image of a test file, so that it is a layer that images share. */
export function baseLayer(): Promise<SmallLayer> {
  return base ??= makeBase();
}

/** @param settings of its programs, as images have them: Env, User, WorkingDir */
export async function smallImage(upper: readonly SmallLayer[] = [], settings: object = {}): Promise<SmallImage> {
  const layers = [await baseLayer(), ...upper];
  const config = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux', created: '2024-01-02T03:04:05Z', config: settings,
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  };
  return { layers, config: Buffer.from(JSON.stringify(config)) };
}
