/**
 * All that a container is made from beside its request: containers with the same recipe differ in nothing but what is theirs alone. One that was made in
 * advance is of use as long as its recipe is what a new one would be made from.
 */
import { createHash } from 'node:crypto';
import type { Containers } from './containers.js';
import { nameServersFor } from './name-servers.js';

/** To be raised when containers are made in another way: what an earlier server has made in advance is of no use then. */
const recipeVersion = 2;

/** @throws WardenError what opening the root file system says */
export function recipeOf({ host, configuration }: Containers, rootfsPath: string): string {
  const { network, user, cgroup, pidsMax, allowsNested } = configuration;
  const { lowers, mounts, image, identity } = host.rootFileSystems.open(rootfsPath);
  const nameServers = nameServersFor(network.dnsServers, () => host.nameServers.list());
  return JSON.stringify([
    recipeVersion, lowers, identity, mounts, image?.id, nameServers, network.mtu, network.pool, user, cgroup, pidsMax, allowsNested, host.disks.backend, host.lang, host.syslog.socketPath(),
  ]);
}

/** What a snapshot keeps of it. */
export function recipeDigest(recipe: string): string {
  return createHash('sha256').update(recipe).digest('base64url');
}
