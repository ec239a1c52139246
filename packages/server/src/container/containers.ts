/**
 * Everything the capabilities share: the live containers by handle, the pools, the host, and the queues that keep
 * changes of one container apart. A handle is untrusted text and never more than a key here.
 */
import { WardenError } from 'warden-protocol';
import type { Configuration } from '../config/configuration.js';
import type { Host } from '../host/host.js';
import { ContainerIds } from '../lib/container-id.js';
import { KeyedMutex } from '../lib/keyed-mutex.js';
import type { Log } from '../lib/log.js';
import type { JobIds } from '../pool/job-ids.js';
import { NetworkPool } from '../pool/network-pool.js';
import { PortPool, portPoolRange } from '../pool/port-pool.js';
import { UidPool } from '../pool/uid-pool.js';
import type { Container } from './container.js';
import { FirewallUpkeep } from './firewall-upkeep.js';
import { References } from './grace.js';
import { Happenings } from './happenings.js';
import { endLifetime, Lifetimes } from './lifetimes.js';
import { Names } from './names.js';
import { StaleConnections } from './stale-connections.js';
import { StaleLinks } from './stale-links.js';
import { WaitingContainers } from './waiting-containers.js';

export class Containers {
  readonly #byHandle = new Map<string, Container>();
  /** Handles of creates under way, each with who waits for its outcome. */
  readonly #reserved = new Map<string, (() => void)[]>();
  readonly #linkNames = new Set<string>();
  readonly #background = new Set<Promise<void>>();
  /** Living containers that could not be taken over, by id: their handle as far as it is known, and why. */
  readonly #quarantined = new Map<string, { readonly handle: string | undefined; readonly reason: string }>();
  /** Containers in which the OOM killer took a process, since the server's start. */
  outOfMemoryCount = 0;
  readonly ids = new ContainerIds();
  readonly networks: NetworkPool;
  readonly uids: UidPool;
  readonly ports: PortPool;
  readonly stale: StaleConnections;
  readonly staleLinks: StaleLinks;
  /** Changes of one container, by its id. */
  readonly changes = new KeyedMutex<string>();
  readonly references: References;
  readonly lifetimes: Lifetimes;
  readonly happenings = new Happenings();
  readonly firewall: FirewallUpkeep;
  readonly names: Names;
  /** Those that no client has yet. */
  readonly waiting: WaitingContainers;

  constructor(
    readonly configuration: Configuration,
    readonly host: Host,
    readonly jobIds: JobIds,
    readonly log: Log,
    /** Called when a container's grace time is over. */
    onGraceTimeOver: (container: Container) => void,
  ) {
    const { network, port, user } = configuration;
    this.networks = new NetworkPool(network.pool, network.releaseDelayMs);
    this.uids = new UidPool(user.startUid, user.size, user.startSubuid);
    this.ports = new PortPool(portPoolRange(port, host.ephemeralPorts));
    this.stale = new StaleConnections(host, log);
    this.staleLinks = new StaleLinks(host, log);
    this.references = new References(host.clock, onGraceTimeOver);
    this.lifetimes = new Lifetimes(host.clock, (container) => endLifetime(this, container));
    this.firewall = new FirewallUpkeep(host, log);
    this.names = new Names(host, this.firewall, log, network);
    this.waiting = new WaitingContainers(this);
  }

  /** Work that no request waits for; what fails in it is logged. */
  inBackground(work: Promise<void>, message: string, container: Container): void {
    const settled = work
      .catch((error: unknown) => this.log.error({ container: container.id, handle: container.handle, err: error }, message))
      .finally(() => this.#background.delete(settled));
    this.#background.add(settled);
  }

  /** Settles when no work is under way in the background. */
  async idle(): Promise<void> {
    await Promise.all(this.#background);
  }

  /** @throws WardenError not_found: `unknown handle`; unavailable when it is in quarantine */
  get(handle: string): Container {
    const container = this.#byHandle.get(handle);
    if (container !== undefined) return container;
    const reason = this.#whyQuarantined(handle);
    if (reason === undefined) throw new WardenError('not_found', 'unknown handle');
    throw new WardenError('unavailable', `container with handle: ${handle} is in quarantine: ${reason}; it is left alone, the server's log says where it is and how to end it`);
  }

  /** A living container that cannot be taken over: nobody can name it, and nobody gets its handle. */
  quarantine(containerId: string, handle: string | undefined, reason: string): void {
    this.#quarantined.set(containerId, { handle, reason });
  }

  isQuarantined(containerId: string): boolean {
    return this.#quarantined.has(containerId);
  }

  get hasQuarantined(): boolean {
    return this.#quarantined.size > 0;
  }

  get quarantinedCount(): number {
    return this.#quarantined.size;
  }

  #whyQuarantined(handle: string): string | undefined {
    for (const quarantined of this.#quarantined.values()) if (quarantined.handle === handle) return quarantined.reason;
    return undefined;
  }

  has(container: Container): boolean {
    return this.#byHandle.get(container.handle) === container;
  }

  /** Handles of live containers. */
  handles(): string[] {
    return [...this.#byHandle.keys()];
  }

  all(): Container[] {
    return [...this.#byHandle.values()];
  }

  isHandleTaken(handle: string): boolean {
    return this.#byHandle.has(handle) || this.#reserved.has(handle) || this.#whyQuarantined(handle) !== undefined;
  }

  /**
   * reserveHandle(), as soon as no create of this handle is under way. A second one waits for the outcome of the first: refused at once, its
   * client would be told of a container that another request does not find yet, and that may never be. Between the last look and the
   * reservation nothing else runs: several creates may be begun in one turn of the event loop.
   */
  async reserveDecidedHandle(handle: string): Promise<() => void> {
    for (let waiting = this.#reserved.get(handle); waiting !== undefined; waiting = this.#reserved.get(handle)) {
      const waiters = waiting;
      await new Promise<void>((resolve) => void waiters.push(resolve));
    }
    return this.reserveHandle(handle);
  }

  #decided(handle: string): void {
    const waiters = this.#reserved.get(handle);
    this.#reserved.delete(handle);
    for (const proceed of waiters ?? []) proceed();
  }

  /**
   * Takes a handle for a container that is being made.
   * @throws WardenError exists
   * @returns gives it back
   */
  reserveHandle(handle: string): () => void {
    const quarantined = this.#whyQuarantined(handle);
    if (this.isHandleTaken(handle)) {
      throw new WardenError('exists', `container with handle: ${handle} already exists${quarantined === undefined ? '' : ` (it is in quarantine: ${quarantined})`}`);
    }
    this.#reserved.set(handle, []);
    return () => this.#decided(handle);
  }

  isLinkNameTaken(name: string): boolean {
    return this.#linkNames.has(name);
  }

  /** @returns gives it back */
  reserveLinkName(name: string): () => void {
    this.#linkNames.add(name);
    return () => this.#linkNames.delete(name);
  }

  /** The container is there: it is listed and can be named. */
  add(container: Container): void {
    this.#decided(container.handle);
    this.#byHandle.set(container.handle, container);
    this.#linkNames.add(container.link.hostName);
    this.references.add(container);
    container.onHappening = (happening) => this.happenings.tell(container.handle, happening);
    container.onHappening({ kind: 'created' });
  }

  /** After a start: the time of containers that nobody refers to, and of those with a ttl, goes on. */
  startTimers(): void {
    for (const container of this.#byHandle.values()) {
      this.references.check(container);
      this.lifetimes.add(container);
    }
  }

  /** Because the server ends; containers live on. */
  stopTimers(): void {
    this.references.stop();
    this.lifetimes.stop();
  }

  /** To be called before the last trace of a container goes: a server that is started after that lets its network rest, too. */
  noteRelease(container: Container): void {
    const { releaseDelayMs } = this.configuration.network;
    if (releaseDelayMs > 0) this.host.depot.recordRelease({ network: container.network.network, freeFromMs: this.host.clock.now() + releaseDelayMs });
  }

  /** The container is gone, with everything it held. */
  remove(container: Container): void {
    if (!this.has(container)) return;
    this.#byHandle.delete(container.handle);
    this.references.remove(container);
    this.lifetimes.remove(container);
    this.release(container);
    container.onHappening({ kind: 'destroyed' });
    container.onHappening = () => undefined;
  }

  /**
   * Gives back what a container held that is gone.
   * @param keepsNetwork its network is somebody else's already, and its link that one's to remove
   */
  release(container: Container, keepsNetwork = false): void {
    this.#linkNames.delete(container.link.hostName);
    if (container.image !== undefined) this.host.rootFileSystems.release(container.id);
    this.uids.release(container.identity);
    if (!keepsNetwork) this.releaseNetwork(container);
  }

  /** Network and ports are free when the kernel has forgotten the container's connections. */
  releaseNetwork({ network, netIn, link, linkIndex }: Container): void {
    this.staleLinks.add(link.hostName, linkIndex);
    // It rests from now on: what waits for more to be forgotten does not wait twice.
    const goneMs = this.host.clock.now();
    this.stale.addAddress(network.containerAddress, () => {
      this.networks.release(network, goneMs);
      for (const { protocol, hostPort } of netIn) this.ports.release(protocol, hostPort);
    });
  }
}
