/** A registry in memory for tests: it answers with images whose digests are made of names, and waits where a test says. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WardenError } from 'warden-protocol';
import type { Registry, RegistryOrder, RegistrySession, RemoteImage, RemoteLayer } from '../host/registry.js';
import type { Digest } from '../lib/digest.js';

export const digestOf = (name: string): Digest => `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0')}`;
export const configOf = (...diffIds: readonly Digest[]): Buffer => Buffer.from(JSON.stringify({ rootfs: { type: 'layers', diff_ids: diffIds } }));
export const remote = (...names: readonly string[]): RemoteImage => ({
  manifestDigest: digestOf('m'), config: configOf(...names.map((name) => digestOf(`d${name}`))), layers: names.map((name) => ({ digest: digestOf(name), sizeInBytes: name.length })),
});

/** A registry whose layers come when a test lets them. */
export class RecordingRegistry implements Registry {
  readonly orders: RegistryOrder[] = [];
  readonly log: string[] = [];
  image: () => Promise<RemoteImage> = () => Promise.resolve(remote('a', 'b'));
  gate: (layer: RemoteLayer, whenClosed: Promise<never>) => Promise<void> = () => Promise.resolve();

  constructor(private readonly directory: string) {}

  open(order: RegistryOrder): RegistrySession {
    this.orders.push(order);
    let close = (): void => undefined;
    const closed = new Promise<never>((_resolve, reject) => {
      close = () => reject(new WardenError('canceled', 'closed'));
    });
    closed.catch(() => undefined);
    const name = ({ digest }: RemoteLayer): string => Buffer.from(digest.slice(7), 'hex').toString().replaceAll('\0', '');
    return {
      resolve: () => Promise.race([this.image(), closed]),
      fetch: async (layer, progress) => {
        this.log.push(`fetch ${name(layer)}`);
        progress(0);
        await Promise.race([this.gate(layer, closed), closed]);
        const path = join(this.directory, name(layer));
        writeFileSync(path, name(layer));
        return path;
      },
      drop: (layer) => void this.log.push(`drop ${name(layer)}`),
      close: () => {
        this.log.push('close');
        close();
      },
    };
  }
}
