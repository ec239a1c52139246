/**
 * What wardend and a registry process say to each other, as JSON over the channel that Node keeps between parent and child. The
 * registry process reads what strangers send, so what it says is checked.
 */
import { isErrorCode, type ErrorCode } from 'warden-protocol';
import type * as zod from 'zod';
import { parseDigest, type Digest } from './digest.js';
import { z } from './zod.js';

/** The most that is kept of an image's configuration, in bytes. */
export const configurationLimitInBytes = 1024 * 1024;
export const layersLimit = 500;

export interface RegistryStart {
  readonly type: 'start';
  /** HOST or HOST:PORT. */
  readonly host: string;
  readonly repository: string;
  /** A tag or a digest. */
  readonly reference: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly identityToken?: string | undefined;
  /** OS/ARCHITECTURE[/VARIANT]; none: the machine's own. */
  readonly platform?: string | undefined;
  /** HOST or HOST:PORT of registries that may speak without TLS. */
  readonly insecureRegistries: readonly string[];
  /** A file with certificates of authorities, in PEM; none: those of the system alone. */
  readonly caPath?: string | undefined;
  /** A registry that sends nothing for so long is given up. */
  readonly silenceMs: number;
  readonly layerLimitInBytes: number;
  readonly imageLimitInBytes: number;
}

/** From wardend. */
export type ToRegistry =
  /** First, once. */
  | RegistryStart
  | { readonly type: 'fetch'; readonly digest: Digest; readonly sizeInBytes: number }
  /** The file is not needed any more. */
  | { readonly type: 'drop'; readonly digest: Digest };

const digest = z.custom<Digest>((value) => typeof value === 'string' && parseDigest(value) !== undefined);
const size = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const fromRegistry = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('resolved'),
    manifestDigest: digest,
    /** Base64. */
    config: z.base64().max(Math.ceil(configurationLimitInBytes / 3) * 4),
    layers: z.array(z.strictObject({ digest, sizeInBytes: size })).max(layersLimit),
  }),
  z.strictObject({ type: z.literal('progress'), digest, doneInBytes: size }),
  z.strictObject({ type: z.literal('fetched'), digest }),
  /** Without a digest: the image was not resolved. */
  z.strictObject({ type: z.literal('failed'), digest: digest.optional(), code: z.custom<ErrorCode>((value) => typeof value === 'string' && isErrorCode(value)), message: z.string().max(4000) }),
]);

/** From the registry process. */
export type FromRegistry = zod.output<typeof fromRegistry>;

/** Undefined when it is no message of a registry process. */
export function readFromRegistry(message: unknown): FromRegistry | undefined {
  const checked = fromRegistry.safeParse(message);
  return checked.success ? checked.data : undefined;
}

/** Where a layer lies in the directory of the registry processes. */
export function layerFileName(layer: Digest): string {
  return layer.replace(':', '-');
}
