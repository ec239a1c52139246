/** What the store keeps of an image, and how it is written: one JSON file, replaced as a whole. Pure. */
import type * as zod from 'zod';
import { parseDigest, type Digest } from '../lib/digest.js';
import { z } from '../lib/zod.js';
import { readImageConfig, type ImageConfig } from './image-config.js';

export interface ImageRecord {
  readonly config: ImageConfig;
  /** As it came. */
  readonly configText: string;
  /** Canonical, each with the number of the change that gave it: of two images that claim one name, the later has it. */
  readonly names: ReadonlyMap<string, number>;
  readonly source: string | undefined;
  readonly manifestDigest: Digest | undefined;
}

const schema = z.strictObject({
  version: z.literal(1),
  names: z.array(z.strictObject({ name: z.string(), change: z.int() })),
  config: z.string(),
  source: z.string().optional(),
  manifestDigest: z.string().optional(),
});

export function writeRecord({ configText, names, source, manifestDigest }: ImageRecord): string {
  const record: zod.output<typeof schema> = { version: 1, names: [...names].map(([name, change]) => ({ name, change })), config: configText, source, manifestDigest };
  return `${JSON.stringify(record)}\n`;
}

/** @throws Error when it is not what was written for that id */
export function readRecord(id: Digest, text: string): ImageRecord {
  const { names, config: configText, source, manifestDigest } = schema.parse(JSON.parse(text));
  const config = readImageConfig(Buffer.from(configText, 'base64'));
  if (config.id !== id) throw new Error(`its configuration is that of ${config.id}`);
  return { config, configText, names: new Map(names.map(({ name, change }) => [name, change])), source, manifestDigest: parseDigest(manifestDigest ?? '') };
}
