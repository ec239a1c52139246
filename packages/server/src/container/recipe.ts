/**
 * All that a container is made from beside its request: containers with the same recipe differ in nothing but what is theirs alone. One that was made in
 * advance is of use as long as its recipe is what a new one would be made from.
 */
import { createHash } from 'node:crypto';
import type { Containers } from './containers.js';
import { nameServersFor } from './name-servers.js';

/** To be raised when containers are made in another way: what an earlier server has made in advance is of no use then. */
const recipeVersion = 2;

export interface Recipe {
  readonly text: string;
  /** Whether it would be worked out the same now: a few system calls, where working it out takes a dozen. False also when that is not certain. Never fails. */
  isStill(): boolean;
}

/** @throws WardenError what opening the root file system says */
export function recipeOf({ host, configuration }: Containers, rootfsPath: string): Recipe {
  const { network, user, cgroup, pidsMax, allowsNested } = configuration;
  const { lowers, mounts, image, identity, isStill } = host.rootFileSystems.open(rootfsPath);
  const found = network.dnsServers.length === 0 ? host.nameServers.look() : undefined;
  const nameServers = nameServersFor(network.dnsServers, () => found?.servers ?? []);
  const { backend } = host.disks;
  const syslog = host.syslog.socketPath();
  // Whatever changes them puts another object in their place.
  const isConfigured = (): boolean =>
    configuration.network === network && configuration.user === user && configuration.cgroup === cgroup && configuration.pidsMax === pidsMax && configuration.allowsNested === allowsNested;
  return {
    text: JSON.stringify([recipeVersion, lowers, identity, mounts, image?.id, nameServers, network.mtu, network.pool, user, cgroup, pidsMax, allowsNested, backend, host.lang, syslog]),
    isStill: () => isStill?.() === true && found?.isStill() !== false && host.syslog.socketPath() === syslog && host.disks.backend === backend && isConfigured(),
  };
}

/** What a snapshot keeps of it. */
export function recipeDigest(recipe: string): string {
  return createHash('sha256').update(recipe).digest('base64url');
}
