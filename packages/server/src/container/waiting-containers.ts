/**
 * Containers made in advance (docs/pool.md): those that wait for a client, by the root file system that they have. Nobody can name one before its claim, and
 * none is claimed twice: a claim is in the container's snapshot before anybody hears of it, and takes it from here in the same turn.
 */
import { WardenError } from 'warden-protocol';
import type { LinkDescription } from '../host/container-description.js';
import { formatIpv4Address, type Ipv4Address } from '../lib/ipv4.js';
import { withDeadline } from '../lib/deadline.js';
import { KeyedMutex } from '../lib/keyed-mutex.js';
import type { ContainerNetwork } from '../pool/network-pool.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import type { CreateOrder } from './create-request.js';
import { CreatesUnderWay } from './creates-under-way.js';
import { hostnameOf, nameFiles } from './describe.js';
import { linkNameOf } from './link.js';
import { makeWaiting } from './make-waiting.js';
import { recipeDigest, recipeOf, type Recipe } from './recipe.js';
import { Refill } from './refill.js';
import { Retirement } from './retirement.js';
import { WaitingContainer } from './waiting-container.js';

/** A monitor answers in a millisecond; of one that does not, no client is to depend. */
const answerDeadlineMs = 5000;

/** Those with one root file system. */
interface Pool {
  readonly refill: Refill;
  /** By id, the smallest first. */
  readonly waiting: Map<string, WaitingContainer>;
  /** As it was worked out last. */
  recipe: Recipe | undefined;
  claims: number;
  /** Creates that would have been served by one. */
  misses: number;
}

export interface PoolFigures {
  readonly rootfs: string;
  readonly size: number;
  readonly waiting: number;
  readonly claims: number;
  readonly misses: number;
}

export class WaitingContainers {
  readonly #waiting = new Map<string, WaitingContainer>();
  readonly #pools = new Map<string, Pool>();
  readonly #retirement: Retirement;
  /** One is made at a time, of all pools together. */
  readonly #turns = new KeyedMutex<'make'>();
  /** The one whose making has begun. A create may wait for it, but not for its turn, which may come only after that create's end. */
  #making: Promise<void> | undefined;
  /** Those that are not served from here. */
  readonly creates: CreatesUnderWay;
  /** Between begin() and stop(). */
  #isMaking = false;

  constructor(private readonly containers: Containers) {
    this.#retirement = new Retirement(containers);
    this.creates = new CreatesUnderWay(containers.host.clock);
    containers.ids.onPassed = (id) => this.#passed(id);
  }

  /** Whether any are to be made. */
  get isOpen(): boolean {
    return this.containers.configuration.pools.length > 0;
  }

  /** How many are on the machine, and are no client's. */
  get count(): number {
    return this.#waiting.size + this.#retirement.count;
  }

  /** Their containers, and those of containers that are on their way out. */
  all(): Container[] {
    return [...[...this.#waiting.values()].map(({ container }) => container), ...this.#retirement.all()];
  }

  links(): LinkDescription[] {
    return this.all().map(({ link }) => link);
  }

  figures(): PoolFigures[] {
    const { pools, rootfsPath } = this.containers.configuration;
    return pools.map(({ rootfs = rootfsPath, size }) => {
      const { waiting, claims, misses } = this.#poolOf(rootfs);
      return { rootfs, size, waiting: waiting.size, claims, misses };
    });
  }

  /**
   * A container for this request, recorded and listed as any other.
   * @returns undefined: one has to be made for it
   * @throws WardenError when it could not be recorded: it waits on then, or is none any more
   */
  claim(order: CreateOrder): Container | undefined | Promise<Container | undefined> {
    if (order.bindMounts.length > 0 || order.hooks.length > 0 || order.address !== undefined) return undefined;
    const { handle } = order;
    const rootfsPath = order.rootfsPath ?? this.containers.configuration.rootfsPath;
    if (this.#sizeOf(rootfsPath) === 0) return undefined;
    if (handle !== undefined && !this.#waiting.has(handle)) {
      // Interfaces that are named by the handle have to be made with it: names of interfaces stay.
      return linkNameOf(handle, '', () => false) === handle ? undefined : this.#claimWithName(order, handle, rootfsPath);
    }
    const pool = this.#poolOf(rootfsPath);
    const waiting = this.#find(pool, rootfsPath, handle);
    if (waiting === undefined) {
      if (handle === undefined) pool.misses++;
      pool.refill.request();
      return undefined;
    }
    return this.#record(pool, waiting, order, waiting.id);
  }

  /**
   * For a handle of the client's own: the container is told what it is called. Until that is done it is nobody's: a server that dies meanwhile leaves one that
   * the next server removes.
   */
  async #claimWithName(order: CreateOrder, handle: string, rootfsPath: string): Promise<Container | undefined> {
    const { containers } = this;
    const release = await containers.reserveDecidedHandle(handle);
    const pool = this.#poolOf(rootfsPath);
    const waiting = this.#find(pool, rootfsPath, undefined);
    if (waiting === undefined) {
      release();
      pool.misses++;
      pool.refill.request();
      return undefined;
    }
    try {
      this.#retirement.hold(waiting);
    } catch (error) {
      release();
      throw error;
    }
    this.#forget(waiting);
    try {
      const { container, id } = waiting;
      const hostname = hostnameOf(handle, id);
      const renamed = container.monitor.rename({ handle, hostname, files: nameFiles(hostname, formatIpv4Address(container.network.containerAddress)) });
      containers.host.depot.expectSnapshot(id);
      await renamed;
      if (waiting.isLost) throw new WardenError('unavailable', 'it died');
    } catch (error) {
      release();
      containers.log.warn({ container: waiting.id, handle, err: error }, 'a container that was made in advance could not be given a handle, and is replaced');
      this.#retirement.add(waiting);
      pool.refill.request();
      return undefined;
    }
    try {
      const claimed = this.#record(pool, waiting, order, handle);
      this.#retirement.letGo(waiting);
      return claimed;
    } catch (error) {
      release();
      this.#retirement.add(waiting);
      throw error;
    }
  }

  #record(pool: Pool, waiting: WaitingContainer, order: CreateOrder, handle: string): Container {
    const { containers } = this;
    const claimed = waiting.claimedBy({ handle, order, createdMs: containers.ids.now() });
    containers.host.depot.writeSnapshot(claimed.id, waiting.snapshotOf(claimed));
    // From now on under its handle: an image tells who has it.
    if (claimed.image !== undefined) containers.host.rootFileSystems.hold(claimed.id, claimed.handle, claimed.image);
    this.#take(waiting);
    waiting.handOver(claimed);
    if (order.handle === undefined) containers.ids.give(waiting.id);
    else containers.ids.drop(waiting.id);
    containers.add(claimed);
    containers.lifetimes.add(claimed);
    pool.claims++;
    // The client gets its reply first.
    setImmediate(() => pool.refill.request());
    return claimed;
  }

  /** Gives up one that waits, for a client that needs an address. @returns its network, which is the caller's now */
  async giveUpNetwork(address?: Ipv4Address): Promise<ContainerNetwork | undefined> {
    const isIts = ({ container: { network } }: WaitingContainer): boolean => address === undefined || (address >= network.network && address <= network.network + 3);
    const waiting = await this.#takeNewest(isIts);
    return waiting === undefined ? undefined : this.#retirement.retireForNetwork(waiting);
  }

  /** Gives up one that waits, for a client that needs what it has. @returns whether one is gone */
  async giveUp(): Promise<boolean> {
    const waiting = await this.#takeNewest(() => true);
    return waiting !== undefined && (await this.#retirement.retire(waiting));
  }

  /**
   * One of an earlier server, whose snapshot says what it was made from. One that is of no use is only known, until begin(): before the firewall is
   * loaded nothing is taken off the machine. Never fails.
   */
  async restore(container: Container, digest: string): Promise<void> {
    const { containers } = this;
    containers.reserveLinkName(container.link.hostName);
    const now = this.#sizeOf(container.rootfsPath) === 0 ? '' : this.#recipeNow(container.rootfsPath);
    const waiting = new WaitingContainer(containers, container, now !== undefined && recipeDigest(now) === digest ? now : undefined, (lost) => this.#lost(lost));
    if (waiting.recipe === undefined || !(await isUnused(containers, waiting))) {
      this.#retirement.add(waiting);
      return;
    }
    containers.log.info({ container: container.id }, 'a container that was made in advance waits on');
    containers.ids.restore(container.id);
    this.#keep(waiting);
  }

  /** After the start: there are as many as the configuration wants, and no others. */
  begin(): void {
    this.#isMaking = true;
    const restored = [...this.#waiting.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
    for (const waiting of restored) this.#take(waiting);
    for (const waiting of restored) this.#keep(waiting);
    const given = this.containers.all().flatMap(({ id, handle }) => (id === handle ? [id] : [])).sort().at(-1);
    this.containers.ids.isOneOrder = this.containers.configuration.pools.length <= 1;
    if (given !== undefined && this.containers.ids.isOneOrder) this.containers.ids.passUpTo(given);
    this.#retirement.begin();
    this.reconcile();
  }

  /** After a change of the configuration. */
  reconcile(): void {
    this.containers.ids.isOneOrder = this.containers.configuration.pools.length <= 1;
    for (const [rootfsPath, { waiting }] of this.#pools) {
      // The oldest stay: their handles come first.
      for (const surplus of [...waiting.values()].slice(this.#sizeOf(rootfsPath))) this.#giveAway(surplus);
    }
    for (const { rootfs = this.containers.configuration.rootfsPath } of this.containers.configuration.pools) this.#poolOf(rootfs).refill.begin();
  }

  /** The server is about to end: none is made any more. Settles when none is under way. */
  async stop(): Promise<void> {
    this.#isMaking = false;
    await Promise.all([...this.#pools.values()].map(({ refill }) => refill.stop()));
    await this.#retirement.stop();
  }

  /** The server ends. Those that wait do so for the next one. */
  close(): void {
    for (const { monitor } of this.all()) monitor.close();
  }

  #sizeOf(rootfsPath: string): number {
    const { pools, rootfsPath: usual } = this.containers.configuration;
    return pools.find(({ rootfs = usual }) => rootfs === rootfsPath)?.size ?? 0;
  }

  #poolOf(rootfsPath: string): Pool {
    const known = this.#pools.get(rootfsPath);
    if (known !== undefined) return known;
    const waiting = new Map<string, WaitingContainer>();
    const refill = new Refill(this.containers.host.clock, {
      isNeeded: () => this.#isNeeded(rootfsPath),
      makeOne: () => this.#turns.run('make', () => this.#makeOne(rootfsPath)),
      failed: (error, restMs) => {
        const isFull = error instanceof WardenError && error.code === 'exhausted';
        this.containers.log[isFull ? 'info' : 'warn']({ rootfs: rootfsPath, err: error }, `a container could not be made in advance, trying again in ${restMs / 1000} s`);
      },
    });
    const pool = { refill, waiting, recipe: undefined, claims: 0, misses: 0 };
    this.#pools.set(rootfsPath, pool);
    return pool;
  }

  #isNeeded(rootfsPath: string): boolean {
    return this.#isMaking && this.#poolOf(rootfsPath).waiting.size < this.#sizeOf(rootfsPath);
  }

  async #makeOne(rootfsPath: string): Promise<void> {
    await this.creates.pause();
    // The server may be about to end, and the configuration may be another one.
    if (!this.#isNeeded(rootfsPath)) return;
    this.#making = this.#make(rootfsPath);
    try {
      await this.#making;
    } finally {
      this.#making = undefined;
    }
  }

  async #make(rootfsPath: string): Promise<void> {
    const waiting = await makeWaiting(this.containers, { rootfsPath, recipe: () => this.#lookAgain(rootfsPath), onLost: (lost) => this.#lost(lost) });
    // Others may have been given greater handles, and the configuration may be another one.
    if (waiting.isLost || !this.containers.ids.isReserved(waiting.id) || this.#poolOf(rootfsPath).waiting.size >= this.#sizeOf(rootfsPath)) this.#giveAway(waiting);
    else {
      this.#keep(waiting);
      this.containers.log.debug({ container: waiting.id, rootfs: rootfsPath, waiting: this.#poolOf(rootfsPath).waiting.size }, 'a container waits for a client');
    }
  }

  /** The next one that is as one would be made now; others are given away. */
  #find(pool: Pool, rootfsPath: string, id: string | undefined): WaitingContainer | undefined {
    if (pool.waiting.size === 0) return undefined;
    const recipe = this.#recipeNow(rootfsPath);
    if (recipe === undefined) return undefined;
    for (const waiting of pool.waiting.values()) {
      if (id !== undefined && waiting.id !== id) continue;
      if (waiting.recipe !== recipe) this.#giveAway(waiting);
      // A client may have chosen that very text for another container.
      else if (!this.containers.isHandleTaken(waiting.id)) return waiting;
      else if (id === undefined) this.#giveAway(waiting);
    }
    return undefined;
  }

  /** Empty: none can be made of what is there now, and whoever tries is told why. Undefined: it could not be looked at, for want of descriptors for one. */
  #recipeNow(rootfsPath: string): string | undefined {
    const { recipe } = this.#poolOf(rootfsPath);
    try {
      return recipe?.isStill() === true ? recipe.text : this.#lookAgain(rootfsPath);
    } catch (error) {
      return error instanceof WardenError ? '' : undefined;
    }
  }

  /** @throws WardenError what opening the root file system says, and whatever else there is */
  #lookAgain(rootfsPath: string): string {
    const pool = this.#poolOf(rootfsPath);
    pool.recipe = undefined;
    return (pool.recipe = recipeOf(this.containers, rootfsPath)).text;
  }

  /** From its taking on, in the same turn, it is nobody else's: two clients may be in want at once. */
  async #takeNewest(fits: (waiting: WaitingContainer) => boolean): Promise<WaitingContainer | undefined> {
    const take = (): WaitingContainer | undefined => {
      const found = [...this.#waiting.values()].reverse().find(fits);
      if (found !== undefined) this.#forget(found);
      return found;
    };
    const taken = take();
    if (taken !== undefined || this.#making === undefined) return taken;
    // One that is just being made has what is wanted already.
    await this.#making.catch(() => undefined);
    return take();
  }

  #lost(waiting: WaitingContainer): void {
    if (!this.#waiting.has(waiting.id)) return;
    this.containers.log.warn({ container: waiting.id }, 'a container that was made in advance has died, and is replaced');
    this.#giveAway(waiting);
    this.#poolOf(waiting.container.rootfsPath).refill.lost();
  }

  #passed(id: string): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#giveAway(waiting);
    this.#poolOf(waiting.container.rootfsPath).refill.request();
  }

  #keep(waiting: WaitingContainer): void {
    this.#waiting.set(waiting.id, waiting);
    this.#poolOf(waiting.container.rootfsPath).waiting.set(waiting.id, waiting);
    waiting.expectClaim();
  }

  #take(waiting: WaitingContainer): void {
    this.#waiting.delete(waiting.id);
    this.#poolOf(waiting.container.rootfsPath).waiting.delete(waiting.id);
  }

  #forget(waiting: WaitingContainer): void {
    this.#take(waiting);
    this.containers.ids.drop(waiting.id);
  }

  /** It goes, in the background. */
  #giveAway(waiting: WaitingContainer): void {
    this.#forget(waiting);
    this.#retirement.add(waiting);
  }
}

/** Whether the container of an earlier server lives, and no job was ever started in it but the one that has ended. */
async function isUnused({ host, log }: Containers, waiting: WaitingContainer): Promise<boolean> {
  const meeting = waiting.watch().then(() => waiting.container.monitor.list());
  try {
    const jobs = await withDeadline(host.clock, answerDeadlineMs, meeting, () => new WardenError('timeout', `no answer within ${answerDeadlineMs / 1000} s`));
    return jobs.length === 0 && !waiting.isLost;
  } catch (error) {
    log.info({ container: waiting.id, err: error }, 'a container that was made in advance does not live any more, or does not answer');
    return false;
  }
}
