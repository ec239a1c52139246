/** The layers that an image's configuration names (OCI image-spec, config.md: rootfs.diff_ids). Pure. */
import { WardenError } from 'warden-protocol';
import { parseDigest, type Digest } from '../lib/digest.js';
import { z } from '../lib/zod.js';

/** As many as an overlay can have. */
const layersLimit = 500;

const digest = z.string().max(71).transform((text, context): Digest => {
  const parsed = parseDigest(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'is no sha256 digest' });
  return z.NEVER;
});
const schema = z.object({ rootfs: z.object({ type: z.literal('layers'), diff_ids: z.array(digest).max(layersLimit) }) });

/** The lowest first. @throws WardenError protocol */
export function layersOfConfig(config: Uint8Array): Digest[] {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(config).toString('utf8'));
  } catch (error) {
    throw new WardenError('protocol', 'the image\'s configuration is not JSON', { cause: error });
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data.rootfs.diff_ids;
  const [issue] = checked.error.issues;
  throw new WardenError('protocol', `the image's configuration: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not as it should be'}`);
}
