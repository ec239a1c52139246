/**
 * A container that was made in advance and waits for a client: what its monitor tells before and after it has one. No client hears of what happens to it
 * while it waits, and it is of use only while nothing does.
 */
import type { MonitorEvent } from '../host/monitor.js';
import { Container } from './container.js';
import type { Containers } from './containers.js';
import type { CreateOrder } from './create-request.js';
import { endLife, monitorDied } from './end-of-life.js';
import { claimSnapshots } from './snapshot.js';
import { receiveEvent } from './watch.js';

/** What it is given at its claim. */
export interface Claim {
  readonly handle: string;
  readonly order: CreateOrder;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
}

export class WaitingContainer {
  #client: Container | undefined;
  #isLost = false;
  #snapshotOf: ((claimed: Container) => string) | undefined;

  /**
   * @param recipe what it was made from; undefined: from what no container is made any more
   * @param onLost called when it has died while it waited
   */
  constructor(
    private readonly containers: Containers,
    readonly container: Container,
    readonly recipe: string | undefined,
    private readonly onLost: (waiting: WaitingContainer) => void,
  ) {}

  get id(): string {
    return this.container.id;
  }

  /** It died, or had trouble. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Settles when its events are being received. @throws what watching says */
  watch(): Promise<void> {
    return this.container.monitor.watch((event) => this.#receive(event), () => this.#end());
  }

  /** Does what need not wait for a client. */
  expectClaim(): void {
    const { host } = this.containers;
    this.#snapshotOf ??= claimSnapshots(this.container, host.bootId);
    host.depot.expectSnapshot(this.id);
  }

  /** Of the same container as a client's. */
  snapshotOf(claimed: Container): string {
    return (this.#snapshotOf ??= claimSnapshots(this.container, this.containers.host.bootId))(claimed);
  }

  /** The same container as a client's. */
  claimedBy({ handle, order, createdMs }: Claim): Container {
    const { host, configuration } = this.containers;
    const { container } = this;
    const claimed = new Container({
      id: container.id,
      handle,
      directory: container.directory,
      disk: container.disk,
      network: container.network,
      identity: container.identity,
      link: container.link,
      rootfsPath: container.rootfsPath,
      image: container.image,
      bindMounts: [],
      graceTimeMs: order.graceTimeMs === undefined ? configuration.defaultGraceTimeMs : order.graceTimeMs,
      labels: order.labels,
      expiresAtMs: order.ttlMs === undefined ? undefined : host.clock.now() + order.ttlMs,
      createdMs,
    }, container.monitor, 'active');
    claimed.usesForwarder = container.usesForwarder;
    claimed.linkIndex = container.linkIndex;
    return claimed;
  }

  /** From now on what its monitor tells is this container's. */
  handOver(claimed: Container): void {
    this.#client = claimed;
  }

  #receive(event: MonitorEvent): void {
    if (this.#client !== undefined) receiveEvent(this.containers, this.#client, event);
    // The job that warms it up may end; nothing else is to happen.
    else if (event.kind !== 'job_ended') this.#lose();
  }

  #end(): void {
    if (this.#client !== undefined) endLife(this.containers, this.#client, monitorDied);
    else this.#lose();
  }

  #lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.onLost(this);
  }
}
