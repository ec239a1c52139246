/**
 * Containers made in advance that no client is to have any more: taken off the machine in the background, until they are gone. What they hold is nobody
 * else's before that. One that is left by the end of the server is of no use to the next one, which goes on with it.
 */
import { againWhenGone } from '../host/ask-again.js';
import { startTimer } from '../lib/timer.js';
import type { ContainerNetwork } from '../pool/network-pool.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { removeFromHost } from './remove.js';
import { snapshotOf } from './snapshot.js';
import type { WaitingContainer } from './waiting-container.js';

const retryPauseMs = 5000;
/** Of those that nobody waits for. A pool of thousands that is given up takes descriptors, and turns of the event loop, that clients want. */
const removedAtOnce = 4;

export class Retirement {
  readonly #leaving = new Set<Container>();
  readonly #timers = new Map<Container, () => void>();
  /** Those whose removal in the background has not begun. */
  readonly #queue: Container[] = [];
  readonly #underWay = new Set<Promise<unknown>>();
  #isBegun = false;
  #stopped = false;

  constructor(private readonly containers: Containers) {}

  get count(): number {
    return this.#leaving.size;
  }

  all(): Container[] {
    return [...this.#leaving];
  }

  /** From now on the firewall can be changed: what was added before goes, and what is added later. */
  begin(): void {
    this.#isBegun = true;
    for (const container of this.#leaving) this.#inBackground(container);
  }

  /**
   * It is no use to another server, and nobody's yet: it goes with add(), or becomes a client's with letGo().
   * @throws WardenError it could not be marked, and waits on: the next server would offer it, whatever it is called until then
   */
  hold({ container }: WaitingContainer): void {
    this.#writeThatOfNoUse(container);
    this.#leaving.add(container);
  }

  letGo({ container }: WaitingContainer): void {
    this.#leaving.delete(container);
  }

  /** It goes in the background. */
  add({ container }: WaitingContainer): void {
    this.#markOfNoUse(container);
    this.#leaving.add(container);
    if (this.#isBegun) this.#inBackground(container);
  }

  /** @returns whether it is gone, or stays for the time being */
  async retire({ container }: WaitingContainer): Promise<boolean> {
    this.#markOfNoUse(container);
    this.#leaving.add(container);
    return this.#tryIt(container);
  }

  /**
   * The same, but the network is not given back.
   * @returns the network: it is the caller's; undefined: the container, or its link, could not be removed
   */
  async retireForNetwork({ container }: WaitingContainer): Promise<ContainerNetwork | undefined> {
    this.#markOfNoUse(container);
    this.#leaving.add(container);
    const isGone = await this.#tryIt(container, true);
    if (!isGone) return undefined;
    // Its address is wanted at once, when the kernel may not have taken the link away yet.
    const { host, log, stale } = this.containers;
    const { hostName } = container.link;
    try {
      const index = host.links.indexOf(hostName);
      if (index !== undefined) await againWhenGone(() => host.launcher.removeLink(hostName, index));
    } catch (error) {
      log.warn({ container: container.id, err: error }, 'the link of a container that was made in advance could not be removed: its network is given to nobody yet');
      this.containers.releaseNetwork(container);
      return undefined;
    }
    stale.addAddress(container.network.containerAddress, () => undefined);
    await stale.forget();
    return container.network;
  }

  /** What cannot be removed is not tried again. Settles when all others are gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#timers.values()) cancel();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** So that no server offers it. One that cannot be marked is removed all the same. */
  #markOfNoUse(container: Container): void {
    try {
      this.#writeThatOfNoUse(container);
    } catch (error) {
      this.containers.log.debug({ container: container.id, err: error }, 'that a container made in advance is of no use could not be written down');
    }
  }

  #writeThatOfNoUse(container: Container): void {
    const { host } = this.containers;
    host.depot.writeSnapshot(container.id, snapshotOf(container, host.bootId, [], { recipe: '' }));
  }

  #inBackground(container: Container): void {
    this.#queue.push(container);
    this.#proceed();
  }

  #proceed(): void {
    while (this.#underWay.size < removedAtOnce) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      const work = this.#tryIt(next).finally(() => {
        this.#underWay.delete(work);
        this.#proceed();
      });
      this.#underWay.add(work);
    }
  }

  async #tryIt(container: Container, keepsNetwork = false): Promise<boolean> {
    const { containers } = this;
    try {
      await removeFromHost(containers, container);
      container.monitor.close();
      containers.noteRelease(container);
      containers.host.depot.discardDirectory(container.id, container.disk);
    } catch (error) {
      containers.log.warn({ container: container.id, err: error }, 'a container that was made in advance could not be removed, trying again');
      if (!this.#stopped) this.#timers.set(container, startTimer(containers.host.clock, retryPauseMs, () => this.#inBackground(container)));
      return false;
    }
    this.#timers.delete(container);
    this.#leaving.delete(container);
    containers.log.debug({ container: container.id }, 'a container that was made in advance is gone');
    containers.release(container, keepsNetwork);
    return true;
  }
}
