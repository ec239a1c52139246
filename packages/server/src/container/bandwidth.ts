/**
 * limit_bandwidth: how much a container's link carries in each direction. The snapshot tells of a limit before the kernel is
 * told, so that a server that dies meanwhile leaves no interface that nobody knows of, and the next one sets it again.
 */
import { WardenError } from 'warden-protocol';
import { againWhenGone } from '../host/ask-again.js';
import type { Bandwidth, BandwidthInForce, ShapedLink } from '../host/launcher.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { ifbName } from './link.js';
import { recordState } from './snapshot.js';

/** What the launcher takes. A bucket of that size is four times the speed of the fastest links there are, for a second. */
const rateMaximum = 2n ** 40n;
const burstMaximum = 2n ** 31n;

/** What info says without a limit, for rates and bursts. */
const unlimited = 4_294_967_295n;

/** A limit, and what the kernel has of it. */
export interface BandwidthLimit {
  readonly wanted: Bandwidth;
  readonly inForce: BandwidthInForce;
}

const none: BandwidthInForce = { inbound: undefined, outbound: undefined };

/** @throws WardenError invalid_argument */
export function checkBandwidth({ rate, burst }: Bandwidth): Bandwidth {
  for (const [name, value, maximum, unit] of [['rate', rate, rateMaximum, 'bytes per second'], ['burst', burst, burstMaximum, 'bytes']] as const) {
    if (value < 1n || value > maximum) throw new WardenError('invalid_argument', `${name} ${value}: must be between 1 and ${maximum} ${unit}`);
  }
  return { rate, burst };
}

/**
 * @returns what is in force, the same for both directions
 * @throws WardenError invalid_argument, wrong_state; anything that the kernel says, and then the limit is what it was
 */
export async function limitBandwidth(containers: Containers, container: Container, request: Bandwidth): Promise<Bandwidth> {
  const wanted = checkBandwidth(request);
  container.requireState('active', 'stopped');
  return containers.changes.run(container.id, async () => {
    container.requireState('active', 'stopped');
    const before = container.bandwidth;
    note(containers, container, { wanted, inForce: before?.inForce ?? none });
    try {
      container.bandwidth = { wanted, inForce: await apply(containers, container, wanted) };
    } catch (error) {
      await goBack(containers, container, before);
      throw error;
    }
    return container.bandwidth.inForce.inbound ?? wanted;
  });
}

/** Of a snapshot; nothing is known of what is in force. */
export function recordedBandwidth({ rate, burst }: { readonly rate: string; readonly burst: string }): BandwidthLimit {
  return { wanted: { rate: BigInt(rate), burst: BigInt(burst) }, inForce: none };
}

/** Takes the limit off a container that is being removed: its link goes by itself, the ifb does not. */
export async function removeBandwidthLimit(containers: Containers, container: Container): Promise<void> {
  if (container.bandwidth === undefined) return;
  await againWhenGone(() => containers.host.launcher.removeBandwidthLimit({ ifbName: ifbName(container.link.hostName) }));
}

/**
 * After a start: interfaces of limits of this server's whose containers are no more. A container that could not be taken over, and
 * died, has left one when its snapshot could not be read.
 */
export async function removeStrayLimits(containers: Containers): Promise<void> {
  const known = new Set(containers.all().map((container) => ifbAlias(containers, container.id)));
  const prefix = ifbAlias(containers, '');
  for (const { ifbName, alias } of containers.host.links.listIfbs()) {
    if (!alias.startsWith(prefix) || known.has(alias) || containers.isQuarantined(alias.slice(prefix.length))) continue;
    containers.log.warn({ interface: ifbName, alias }, 'removing the bandwidth limit of a container that is no more');
    try {
      await containers.host.launcher.removeBandwidthLimit({ ifbName });
    } catch (error) {
      containers.log.error({ interface: ifbName, err: error }, 'an interface of a bandwidth limit could not be removed; the next start tries again');
    }
  }
}

/** After a start: limits that the kernel does not have any more, wholly or in part, are set again. */
export async function restoreBandwidthLimits(containers: Containers): Promise<void> {
  const { launcher } = containers.host;
  await Promise.all(containers.all().map(async (container) => {
    if (container.bandwidth === undefined) return;
    const { wanted } = container.bandwidth;
    try {
      const found = await launcher.readBandwidth(linkOf(container));
      const isInForce = isEqual(found.inbound, wanted) && isEqual(found.outbound, wanted);
      if (!isInForce) containers.log.warn({ container: container.id, handle: container.handle }, 'the bandwidth limit of a container was not in force, and is set again');
      container.bandwidth = { wanted, inForce: isInForce ? found : await apply(containers, container, wanted) };
    } catch (error) {
      containers.log.error({ container: container.id, handle: container.handle, err: error }, 'the bandwidth limit of a container could not be set again');
    }
  }));
}

/** bandwidth_stat of info. */
export function bandwidthStatOf({ bandwidth }: Container) {
  const { inbound, outbound } = bandwidth?.inForce ?? none;
  return {
    inRate: inbound?.rate ?? unlimited,
    inBurst: inbound?.burst ?? unlimited,
    outRate: outbound?.rate ?? unlimited,
    outBurst: outbound?.burst ?? unlimited,
  };
}

function linkOf({ link }: Container): ShapedLink {
  return { hostName: link.hostName, ifbName: ifbName(link.hostName), mtu: link.mtu };
}

function apply(containers: Containers, container: Container, wanted: Bandwidth): Promise<BandwidthInForce> {
  return againWhenGone(() => containers.host.launcher.limitBandwidth(linkOf(container), wanted, ifbAlias(containers, container.id)));
}

/** By which an ifb is known for one of this server's: the table is one server's alone. */
function ifbAlias(containers: Containers, containerId: string): string {
  return `warden ${containers.configuration.network.table} ${containerId}`;
}

/** The kernel may have taken a part of it. */
async function goBack(containers: Containers, container: Container, before: BandwidthLimit | undefined): Promise<void> {
  try {
    if (before !== undefined) container.bandwidth = { wanted: before.wanted, inForce: await apply(containers, container, before.wanted) };
    else {
      const { hostName } = container.link;
      await againWhenGone(() => containers.host.launcher.removeBandwidthLimit({ hostName, ifbName: ifbName(hostName) }));
      container.bandwidth = undefined;
    }
    recordState(containers, container);
  } catch (error) {
    // The record of a limit stays: with it the ifb is removed when the container is.
    containers.log.error({ container: container.id, handle: container.handle, err: error }, 'a bandwidth limit that failed could not be undone');
  }
}

function note(containers: Containers, container: Container, limit: BandwidthLimit): void {
  const before = container.bandwidth;
  container.bandwidth = limit;
  try {
    recordState(containers, container);
  } catch (error) {
    container.bandwidth = before;
    throw error;
  }
}

function isEqual(found: Bandwidth | undefined, wanted: Bandwidth): boolean {
  return found?.rate === wanted.rate && found.burst === wanted.burst;
}
