/** An image's configuration (OCI image-spec, config.md), as far as containers and the store need it. Pure; every list has a limit. */
import { createHash } from 'node:crypto';
import { WardenError } from 'warden-protocol';
import { parseDigest, type Digest } from '../lib/digest.js';
import { z } from '../lib/zod.js';

/** Layers of one image at most: what a container can be described with. */
export const layersLimit = 128;
/** Bytes of a configuration. */
export const configLimitInBytes = 4 * 1024 * 1024;
const variableLimitInBytes = 128 * 1024 - 1;
const environmentLimitInBytes = 64 * 1024;

export interface ImageConfig {
  /** Digest of the configuration itself: what the image is known by. */
  readonly id: Digest;
  /** Of its layers, uncompressed; the lowest first. */
  readonly diffIds: readonly Digest[];
  readonly architecture: string | undefined;
  readonly os: string | undefined;
  /** Since 1970. */
  readonly createdMs: number | undefined;
  /** NAME=value, each name once. */
  readonly environment: readonly string[];
  /** As it stands there: a name or number, with a group perhaps; empty: root. */
  readonly user: string;
  /** Absolute, or empty. */
  readonly workingDirectory: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

const digest = z.string().max(71).transform((text, context): Digest => {
  const parsed = parseDigest(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'is no sha256 digest' });
  return z.NEVER;
});
const texts = z.array(z.string().max(variableLimitInBytes)).max(1024).nullish().transform((value) => value ?? []);
const name = z.string().max(64).nullish().transform((value) => value ?? undefined);
const schema = z.object({
  architecture: name,
  os: name,
  created: z.string().max(64).nullish(),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: z.array(digest).max(layersLimit, `has more than ${layersLimit} layers`) }),
  config: z
    .object({
      Env: texts,
      User: z.string().max(256).nullish().transform((value) => value ?? ''),
      WorkingDir: z.string().max(4095).nullish().transform((value) => value ?? ''),
      Entrypoint: texts,
      Cmd: texts,
    })
    .nullish(),
});

/** @throws WardenError protocol */
export function readImageConfig(bytes: Uint8Array): ImageConfig {
  if (bytes.length > configLimitInBytes) throw new WardenError('protocol', `the image's configuration is larger than ${configLimitInBytes} bytes`);
  const checked = schema.safeParse(parse(bytes));
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new WardenError('protocol', `the image's configuration: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not as it should be'}`);
  }
  const { architecture, os, created, rootfs, config } = checked.data;
  const createdMs = Date.parse(created ?? '');
  const workingDirectory = config?.WorkingDir ?? '';
  return {
    id: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    diffIds: rootfs.diff_ids,
    architecture,
    os,
    createdMs: Number.isFinite(createdMs) && createdMs >= 0 ? createdMs : undefined,
    environment: environmentOf(config?.Env ?? []),
    user: config?.User ?? '',
    workingDirectory: workingDirectory.startsWith('/') && !workingDirectory.includes('\0') ? workingDirectory : '',
    entrypoint: config?.Entrypoint ?? [],
    command: config?.Cmd ?? [],
  };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new WardenError('protocol', 'the image\'s configuration is not JSON', { cause: error });
  }
}

/** What cannot be a variable of a job is left out; the last of one name counts. */
function environmentOf(entries: readonly string[]): string[] {
  const byName = new Map<string, string>();
  for (const entry of entries) {
    const name = /^([A-Za-z_][A-Za-z0-9_]{0,255})=[^\0]*$/s.exec(entry)?.[1];
    if (name !== undefined) byName.set(name, entry);
  }
  const variables = [...byName.values()];
  const size = variables.reduce((sum, variable) => sum + Buffer.byteLength(variable) + 1, 0);
  if (size > environmentLimitInBytes) throw new WardenError('protocol', `the image's configuration: config.Env takes ${size} bytes, the limit is ${environmentLimitInBytes}`);
  return variables;
}

/** The user of jobs without privileges: of an image that is meant for root it is vcap. A group by name is left out: who has a number needs none. */
export function jobUserOf(user: string): string | undefined {
  const [name = '', group] = user.split(':');
  if (name === '' || name === 'root' || /^0+$/.test(name)) return undefined;
  return /^\d+$/.test(name) && group !== undefined && /^\d+$/.test(group) ? `${name}:${group}` : name;
}
