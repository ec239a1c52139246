/**
 * Living containers that this server cannot take over: their directories and processes are left alone, and what they hold is
 * given to nobody else. Nobody can name them; they end with the machine, or by hand.
 */
import type { LinkDescription } from '../host/container-description.js';
import type { Containers } from './containers.js';
import { linkOf } from './link.js';
import { guessFromDamaged } from './snapshot.js';

/**
 * Reserves handle and uid, as far as they can be known.
 * @param uid of vcap, from the monitor; without it the damaged snapshot is asked, which may be wrong
 */
export function quarantine(containers: Containers, { containerId, text, reason, uid }: { containerId: string; text: string; reason: string; uid: number | undefined }): void {
  const guess = guessFromDamaged(text);
  const handle = guess.handle !== undefined && !containers.isHandleTaken(guess.handle) ? guess.handle : undefined;
  const reserved = uid ?? guess.uid;
  if (reserved !== undefined) containers.uids.claim(reserved);
  containers.quarantine(containerId, handle, reason);
  containers.host.rootFileSystems.holdEverything();
  const directory = containers.host.depot.directoryOf(containerId);
  containers.log.error(
    { event: 'quarantine', container: containerId, handle, uid: reserved, directory, reason },
    `a living container cannot be taken over and is left alone${uid === undefined ? '; its uid is not certain, and another container may get the same' : ''}: end its monitor, whose pid is in run/monitor.pid, to have it removed at the next start`,
  );
}

/**
 * The links that no container known here has, of networks of this server's pool: with an unreadable snapshot the interface
 * is what is left to know a network by. Reserved; they have to stay in the firewall, because an interface that it does not
 * know is not filtered.
 */
export function reserveUnknownLinks(containers: Containers): LinkDescription[] {
  if (!containers.hasQuarantined) return [];
  const { host, networks, configuration } = containers;
  return host.links.list().flatMap(({ hostName, hostAddress }) => {
    if (containers.isLinkNameTaken(hostName)) return [];
    const network = networks.claim(hostAddress, host.clock.now());
    if (network === undefined) return [];
    containers.reserveLinkName(hostName);
    return [linkOf(hostName.slice('w-'.length, -'-0'.length), network, configuration.network.mtu)];
  });
}
