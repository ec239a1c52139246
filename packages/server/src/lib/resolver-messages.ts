/**
 * What wardend and its resolver process say to each other, as JSON over the channel that Node keeps between parent and child. The
 * resolver reads what containers and name servers send, so what it says is checked.
 */
import type * as zod from 'zod';
import { highestIpv4Address } from './ipv4.js';
import { lastPort } from './port.js';
import { z } from './zod.js';

const address = z.int().min(0).max(highestIpv4Address);

/** From wardend. */
export type ToResolver =
  /** First, once. */
  | { readonly type: 'start'; /** Taken when it is free; 0: any. */ readonly port: number; /** Configured name servers; none: the host's. */ readonly servers: readonly string[] }
  /** A container may ask for names that these patterns cover; none: for everything. */
  | { readonly type: 'serve'; readonly client: number; readonly patterns: readonly string[] }
  | { readonly type: 'forget'; readonly client: number }
  /** The answer to `open`. */
  | { readonly type: 'opened'; readonly request: number; readonly addresses: readonly number[] };

const fromResolver = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('listening'), port: z.int().min(1).max(lastPort) }),
  z.strictObject({
    type: z.literal('open'),
    request: z.int().min(0),
    client: address,
    name: z.string().max(253),
    found: z.array(z.strictObject({ address, ttlSeconds: z.int().min(0).max(0xffff_ffff) })).max(64),
  }),
  z.strictObject({ type: z.literal('problem'), text: z.string().max(1000) }),
]);

/** From the resolver. */
export type FromResolver = zod.output<typeof fromResolver>;

/** Undefined when it is no message of a resolver. */
export function readFromResolver(message: unknown): FromResolver | undefined {
  const checked = fromResolver.safeParse(message);
  return checked.success ? checked.data : undefined;
}
