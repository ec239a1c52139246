// What the server knows that can stand on a command line.
import type { WardenClient } from 'warden-client';
import { Type } from 'warden-protocol';
import type { Sources } from './candidates.js';

/** Tab waits so long for it, in milliseconds. */
const TIMEOUT_MS = 1000;

export function sourcesOf(client: WardenClient): Sources {
  const options = { timeoutMs: TIMEOUT_MS };
  return {
    handles: async () => (await client.request(Type.List, {}, options)).handles,
    images: async () => {
      const [{ images }, { rootfs }] = await Promise.all([client.images.list(options), client.rootfs.list(options)]);
      return [...images.flatMap(({ names }) => names), ...rootfs.map(({ name = '' }) => name)].filter((name) => name !== '');
    },
  };
}
