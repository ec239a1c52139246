/**
 * One container as the server knows it: who it is, what it holds, its state and its jobs. What can be done with it is in the
 * files beside this one, one capability each.
 */
import { WardenError } from 'warden-protocol';
import type { LinkDescription } from '../host/container-description.js';
import type { ContainerDisk } from '../host/disk.js';
import type { ContainerImage } from '../host/image.js';
import type { JobExit, Monitor } from '../host/monitor.js';
import type { NetOutRule } from '../host/net-out-rule.js';
import type { ContainerNetwork } from '../pool/network-pool.js';
import type { ContainerIdentity } from '../pool/uid-pool.js';
import type { BandwidthLimit } from './bandwidth.js';
import type { ContainerBindMount } from './bind-mounts.js';
import type { Happening } from './happenings.js';
import type { ContainerInfo } from './info.js';
import type { Labels } from './labels.js';
import type { PortMapping } from './port-mapping.js';

export type ContainerState = 'born' | 'active' | 'stopped' | 'destroyed';

/** Where each state may go. Destroy works from any half-made state; nothing comes back from destroyed. */
const successors: Readonly<Record<ContainerState, readonly ContainerState[]>> = {
  born: ['active', 'destroyed'],
  active: ['stopped', 'destroyed'],
  stopped: ['destroyed'],
  destroyed: [],
};

/** A job whose record the monitor still has. */
export interface Job {
  readonly id: number;
  /** Undefined while it runs. */
  exit: JobExit | undefined;
  /** Requests that follow it now. */
  followers: number;
  /** A link or a stream has given its result to a client, or nobody can ask for it: it goes when nobody follows it. */
  consumed: boolean;
  /** The monitor has forgotten it with its end. */
  forgotten?: boolean;
}

/** What is decided when a container is made and never changes. */
export interface ContainerIdentification {
  readonly id: string;
  readonly handle: string;
  readonly directory: string;
  readonly disk: ContainerDisk;
  readonly network: ContainerNetwork;
  readonly identity: ContainerIdentity;
  readonly link: LinkDescription;
  readonly rootfsPath: string;
  /** What it is made of; undefined: a directory. */
  readonly image: ContainerImage | undefined;
  /** In the order in which they were mounted. */
  readonly bindMounts: readonly ContainerBindMount[];
  /** Null: it is never destroyed for want of a client. */
  readonly graceTimeMs: number | null;
  readonly labels: Labels;
  /** When it is destroyed, whoever uses it, by the clock's milliseconds since the machine's boot; undefined: never. */
  readonly expiresAtMs: number | undefined;
  /** When a client got it, in milliseconds since 1970; undefined: its id tells. */
  readonly createdMs?: number | undefined;
}

export class Container {
  readonly id: string;
  readonly handle: string;
  readonly directory: string;
  readonly disk: ContainerDisk;
  readonly network: ContainerNetwork;
  readonly identity: ContainerIdentity;
  readonly link: LinkDescription;
  readonly rootfsPath: string;
  readonly image: ContainerImage | undefined;
  readonly bindMounts: readonly ContainerBindMount[];
  readonly graceTimeMs: number | null;
  readonly labels: Labels;
  readonly expiresAtMs: number | undefined;
  readonly createdMs: number | undefined;
  readonly monitor: Monitor;
  readonly jobs = new Map<number, Job>();
  #watching: Promise<void> | undefined;
  /** A stop was begun and is not done: the next server finishes it. */
  stopping = false;
  /** This server has begun to stop it for want of memory. */
  stopRequested = false;
  /** What info said when the removal began; set from then on. */
  lastInfo: ContainerInfo | undefined;
  /** The number of its link's host end; undefined: whoever wants it has to look. */
  linkIndex: number | undefined;
  /** Its resolv.conf names its host's end. */
  usesForwarder = false;
  /** Ports of the host that lead here. */
  netIn: readonly PortMapping[] = [];
  /** Undefined: none was ever set. */
  bandwidth: BandwidthLimit | undefined;
  /** Rules of net_out, each once, in the order in which they were given. */
  netOut: readonly NetOutRule[] = [];
  /** The firewall may have rules in the chain of its address. */
  hasNetOutChain = false;
  /** Is told what happens to it from the moment when it is there. */
  onHappening: (happening: Happening) => void = () => undefined;
  readonly #events = new Set<string>();
  #state: ContainerState;

  constructor(identification: ContainerIdentification, monitor: Monitor, state: ContainerState, events: Iterable<string> = []) {
    this.id = identification.id;
    this.handle = identification.handle;
    this.directory = identification.directory;
    this.disk = identification.disk;
    this.network = identification.network;
    this.identity = identification.identity;
    this.link = identification.link;
    this.rootfsPath = identification.rootfsPath;
    this.image = identification.image;
    this.bindMounts = identification.bindMounts;
    this.graceTimeMs = identification.graceTimeMs;
    this.labels = identification.labels;
    this.expiresAtMs = identification.expiresAtMs;
    this.createdMs = identification.createdMs;
    this.monitor = monitor;
    this.#state = state;
    for (const event of events) this.#events.add(event);
  }

  /** Settles when the monitor's events are being received; jobs start after that, so that none ends unseen. Undefined: they are, and nothing is to be waited for. */
  get watching(): Promise<void> | undefined {
    return this.#watching;
  }

  set watching(watching: Promise<void> | undefined) {
    this.#watching = watching;
    const received = (): void => {
      if (this.#watching === watching) this.#watching = undefined;
    };
    watching?.then(received, () => undefined);
  }

  get state(): ContainerState {
    return this.#state;
  }

  /** What happened, each once, in order. */
  get events(): readonly string[] {
    return [...this.#events];
  }

  /** @returns whether the event is new */
  addEvent(event: string): boolean {
    if (this.#events.has(event)) return false;
    this.#events.add(event);
    this.onHappening({ kind: 'event', event });
    return true;
  }

  /** Goes to another state; staying is no change. */
  moveTo(state: ContainerState): void {
    if (state === this.#state) return;
    if (!successors[this.#state].includes(state)) {
      throw new WardenError('internal', `container ${this.id} cannot go from '${this.#state}' to '${state}'`);
    }
    this.#state = state;
    if (state === 'stopped') this.onHappening({ kind: 'stopped' });
  }

  /** How a job ended, which is learnt from several connections. */
  endJob(job: Job, exit: JobExit): void {
    const isNew = job.exit === undefined;
    job.exit = exit;
    if (isNew) this.onHappening({ kind: 'job_ended', jobId: job.id, exit });
  }

  /** @throws WardenError wrong_state, or not_found when a destroy was first */
  requireState(...states: ContainerState[]): void {
    if (states.includes(this.#state)) return;
    if (this.#state === 'destroyed') throw new WardenError('not_found', 'unknown handle');
    const allowed = states.map((state) => `'${state}'`).join(', ');
    throw new WardenError('wrong_state', `Container state must be one of ${allowed}, current state is '${this.#state}'`);
  }

  /** A job whose result can be asked for. @throws WardenError not_found: `no such job` */
  requireJob(jobId: number): Job {
    const job = this.requireKnownJob(jobId);
    if (job.consumed || job.forgotten === true) throw new WardenError('not_found', 'no such job');
    return job;
  }

  /** The same, or one that still runs and whose client has gone. @throws WardenError not_found: `no such job` */
  requireKnownJob(jobId: number): Job {
    const job = this.jobs.get(jobId);
    if (job === undefined || (job.consumed && job.exit !== undefined) || job.forgotten === true) throw new WardenError('not_found', 'no such job');
    return job;
  }
}
