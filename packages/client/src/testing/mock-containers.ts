// The containers of the mock server: what requests do to them, as far as a client can see.
import { type ContainerSummary, type CreateRequest, type LimitCpuResponse, type LimitDiskResponse, NetInProtocol, type NetInMapping, NetOutProtocol, type NetOutRule, type Process, type ResponseInit, type SpawnRequest, Type,
  WardenError } from 'warden-protocol';
import type { FakeHandlers } from './fake-server.js';
import { MockEvents } from './mock-events.js';
import { fileHandlers } from './mock-files.js';
import { MockImages } from './mock-images.js';
import { MockJob, type MockProgram } from './mock-job.js';
import { MockTree } from './mock-tree.js';

/** A container that the mock server keeps. */
export interface MockContainer {
  readonly handle: string;
  /** What it was made with. */
  readonly request: CreateRequest;
  readonly createdMs: number;
  /** Of those that were made, which one this is. */
  readonly place: number;
  state: 'active' | 'stopped';
  readonly events: string[];
  readonly jobs: Map<number, MockJob>;
  /** What its files are: a test may read and write them as it likes. */
  readonly files: MockTree;
  readonly netOut: NetOutRule[];
  readonly netIn: NetInMapping[];
  memoryLimit: bigint;
  diskLimits: LimitDiskResponse;
  cpuLimits: LimitCpuResponse;
  pidsLimit: bigint | undefined;
  bandwidth: { readonly rate: bigint; readonly burst: bigint } | undefined;
}

const UNLIMITED_MEMORY = 9223372036854771712n;
const DEFAULT_SHARES = 1024n;
const DEFAULT_PIDS = 1024n;
const MOST_PIDS = 4_194_304n;
const FIRST_PORT = 61001;
const CONTAINER_IP = '10.254.0.2';
const KILL = 9;
const TERM = 15;

export class MockContainers {
  readonly all = new Map<string, MockContainer>();
  readonly images = new MockImages();
  readonly events = new MockEvents();
  readonly #program: MockProgram;
  #made = 0;
  #places = 0;
  #jobs = 0;
  #port = FIRST_PORT;

  constructor(program: MockProgram) {
    this.#program = program;
  }

  handlers(): FakeHandlers {
    return { ...this.#lifecycle(), ...this.#jobRequests(), ...this.#outputRequests(), ...this.#network(), ...this.#limits(), ...fileHandlers((handle) => this.#named(handle).files), ...this.images.handlers() };
  }

  #lifecycle(): FakeHandlers {
    return {
      [Type.Echo]: ({ message }) => ({ message }),
      [Type.List]: ({ labels, details, limit, after }) => {
        const all = [...this.all.values()].filter(({ request }) => labels.every((wanted) => request.labels.some(({ key, value }) => key === wanted.key && value === (wanted.value ?? value))));
        const behind = all.filter(({ place }) => place > Number(after ?? 0));
        const found = behind.slice(0, limit);
        const next = found.length < behind.length ? found.at(-1)?.place.toString() : undefined;
        return { handles: found.map(({ handle }) => handle), ...(details === true ? { containers: found.map(summaryOf) } : {}), ...(next === undefined ? {} : { next }) };
      },
      [Type.Create]: (request) => {
        const handle = request.handle ?? `mock${++this.#made}`;
        if (this.all.has(handle)) throw new WardenError('exists', `container with handle: ${handle} already exists`);
        this.all.set(handle, {
          handle, request, createdMs: Date.now(), place: ++this.#places, state: 'active', events: [], jobs: new Map(), files: new MockTree(), netOut: [], netIn: [],
          memoryLimit: UNLIMITED_MEMORY, diskLimits: { byteLimit: 0n, inodeLimit: 0n }, cpuLimits: { limitInShares: DEFAULT_SHARES }, pidsLimit: DEFAULT_PIDS, bandwidth: undefined,
        });
        this.events.tell({ kind: 'created', handle });
        return { handle };
      },
      [Type.Info]: ({ handle }) => this.#info(this.#named(handle)),
      [Type.Stop]: ({ handle, kill }) => {
        const container = this.#named(handle);
        this.#stop(container, kill === true ? KILL : TERM);
        return {};
      },
      [Type.Destroy]: ({ handle }) => {
        this.#destroy(this.#named(handle));
        return {};
      },
      [Type.Processes]: ({ handle }) => ({ processes: processesOf(this.#named(handle)) }),
      [Type.Events]: ({ handle }, { socket }) => {
        if (handle !== undefined) this.#named(handle);
        return this.events.listen(handle, new Promise((resolve) => socket.once('close', resolve)));
      },
    };
  }

  #jobRequests(): FakeHandlers {
    return {
      [Type.Spawn]: (request) => ({ jobId: this.#spawn(request).id }),
      [Type.Run]: async (request) => {
        const job = this.#spawn(request);
        await job.ended();
        return this.#taken(request.handle, job);
      },
      [Type.Link]: async ({ handle, jobId }, { socket }) => {
        const job = this.#job(handle, jobId);
        await job.ended();
        // Whoever has gone takes nothing.
        return socket.destroyed ? job.result() : this.#taken(handle, job);
      },
      [Type.Jobs]: ({ handle }) => ({ jobs: [...this.#named(handle).jobs.values()].map((job) => job.listed()) }),
      [Type.Signal]: ({ handle, jobId, signal }) => {
        this.#job(handle, jobId).kill(signal);
        return {};
      },
      [Type.Input]: ({ handle, jobId, data, close }) => {
        this.#job(handle, jobId).feed(data, close ?? false);
        return {};
      },
      [Type.Resize]: ({ handle, jobId }) => {
        this.#job(handle, jobId);
        return {};
      },
    };
  }

  #outputRequests(): FakeHandlers {
    const { all } = this;
    const find = (handle: string, jobId: number): MockJob => this.#job(handle, jobId);
    const take = (handle: string, job: MockJob): object => this.#taken(handle, job);
    return {
      [Type.Stream]: async function* ({ handle, jobId }) {
        const job = find(handle, jobId);
        for await (const { name, data } of job.output(0n, true)) yield { name, data };
        take(handle, job);
        const container = all.get(handle);
        yield { ...await job.ended(), ...(container === undefined ? {} : { info: { state: container.state, events: container.events } }) };
      },
      [Type.Logs]: async function* ({ handle, jobId, sinceByte = 0n, follow = false }) {
        const job = find(handle, jobId);
        if (sinceByte > job.length) throw new WardenError('invalid_argument', `the output of job ${jobId} ends at byte ${job.length}`);
        yield* job.output(sinceByte, follow);
        yield { ...(job.ending ?? {}), position: job.length, last: true };
      },
    };
  }

  #network(): FakeHandlers {
    return {
      [Type.NetIn]: ({ handle, hostPort = 0, containerPort, protocol = NetInProtocol.TCP, remove }) => {
        const { netIn } = this.#named(handle);
        if (remove === true) {
          const [removed] = netIn.splice(indexOr(netIn, (entry) => entry.hostPort === hostPort && entry.protocol === protocol, `no port ${hostPort} of the host leads to ${handle}`), 1);
          return { hostPort, containerPort: removed?.containerPort ?? 0 };
        }
        const mapping = { hostPort: hostPort === 0 ? this.#port++ : hostPort, protocol };
        const whole = { ...mapping, containerPort: containerPort ?? mapping.hostPort };
        netIn.push(whole);
        return { hostPort: whole.hostPort, containerPort: whole.containerPort };
      },
      [Type.NetOut]: ({ handle, remove, ...fields }) => {
        const { netOut } = this.#named(handle);
        const rule = { protocol: NetOutProtocol.TCP, ...fields };
        const isSame = (other: NetOutRule): boolean => JSON.stringify(sorted(other)) === JSON.stringify(sorted(rule));
        if (rule.network === undefined && rule.domain === undefined && rule.port === undefined && rule.portRange === undefined) throw new WardenError('invalid_argument', 'Please specify network, port, and/or port_range.');
        if (remove === true) netOut.splice(indexOr(netOut, isSame, 'there is no such rule'), 1);
        else if (!netOut.some(isSame)) netOut.push(rule);
        return {};
      },
    };
  }

  #limits(): FakeHandlers {
    return {
      [Type.LimitMemory]: ({ handle, limitInBytes }) => {
        const container = this.#named(handle);
        if (limitInBytes !== undefined) container.memoryLimit = limitInBytes > UNLIMITED_MEMORY ? UNLIMITED_MEMORY : limitInBytes - limitInBytes % 4096n;
        return { limitInBytes: container.memoryLimit };
      },
      [Type.LimitDisk]: ({ handle, ...limits }) => {
        const container = this.#named(handle);
        container.diskLimits = { ...container.diskLimits, ...withValues(limits) };
        return container.diskLimits;
      },
      [Type.LimitCpu]: ({ handle, ...limits }) => {
        const container = this.#named(handle);
        container.cpuLimits = { ...container.cpuLimits, ...withValues(limits) };
        return container.cpuLimits;
      },
      [Type.LimitPids]: ({ handle, limit }) => {
        const container = this.#named(handle);
        if (limit !== undefined) container.pidsLimit = limit > MOST_PIDS ? undefined : limit;
        return { limit: container.pidsLimit };
      },
      [Type.LimitBandwidth]: ({ handle, rate, burst }) => this.#named(handle).bandwidth = { rate, burst },
    };
  }

  /** Something happens to a container: info lists it among its events, and watchers are told. */
  happen(handle: string, event: string): void {
    this.all.get(handle)?.events.push(event);
    this.events.tell({ kind: 'event', handle, event });
  }

  /** As the end of its ttl does. */
  expire(handle: string): void {
    this.happen(handle, 'ttl is over');
    this.#destroy(this.#named(handle));
  }

  #destroy(container: MockContainer): void {
    this.#stop(container, KILL);
    this.all.delete(container.handle);
    this.events.tell({ kind: 'destroyed', handle: container.handle });
  }

  #named(handle: string): MockContainer {
    const container = this.all.get(handle);
    if (container === undefined) throw new WardenError('not_found', 'unknown handle');
    return container;
  }

  #job(handle: string, jobId: number): MockJob {
    const job = this.#named(handle).jobs.get(jobId);
    if (job === undefined) throw new WardenError('not_found', 'no such job');
    return job;
  }

  #stop(container: MockContainer, signal: number): void {
    if (container.state === 'active') this.events.tell({ kind: 'stopped', handle: container.handle });
    container.state = 'stopped';
    for (const job of container.jobs.values()) job.kill(signal);
  }

  #spawn(request: SpawnRequest): MockJob {
    const { handle, state, jobs } = this.#named(request.handle);
    if (state !== 'active') throw new WardenError('wrong_state', `Container state must be one of 'active', current state is '${state}'`);
    const job = new MockJob(++this.#jobs, request, this.#program);
    jobs.set(job.id, job);
    this.events.tell({ kind: 'job_started', handle, jobId: job.id });
    void job.ended().then((ending) => this.events.tell({ kind: 'job_ended', handle, jobId: job.id, ...ending }));
    return job;
  }

  /** The result of a job that goes with it. */
  #taken(handle: string, job: MockJob): ResponseInit<Type.Link> {
    const container = this.all.get(handle);
    container?.jobs.delete(job.id);
    return { ...job.result(), ...(container === undefined ? {} : { info: this.#info(container) }) };
  }

  #info(container: MockContainer): ResponseInit<Type.Info> {
    const { handle, state, events, netOut, netIn, pidsLimit, request: { bindMounts, labels } } = container;
    const running = runningOf(container);
    return {
      state, events, hostIp: '10.254.0.1', containerIp: CONTAINER_IP, containerPath: `/mock/${handle}`, jobIds: running.map(({ id }) => BigInt(id)),
      pidsStat: { current: BigInt(running.length), max: pidsLimit }, netOut, netIn, bindMounts, labels, ...timesOf(container),
    };
  }
}

function runningOf({ jobs }: MockContainer): MockJob[] {
  return [...jobs.values()].filter((job) => !job.hasEnded);
}

/** The mock ends no container by itself: a test says when. */
function timesOf({ createdMs, request: { ttl } }: MockContainer): { createdMs: bigint; ttlLeftMs?: bigint } {
  return { createdMs: BigInt(createdMs), ...(ttl === undefined ? {} : { ttlLeftMs: BigInt(Math.max(0, createdMs + ttl * 1000 - Date.now())) }) };
}

function summaryOf(container: MockContainer): ContainerSummary {
  const { handle, state, netIn, request: { labels, rootfs } } = container;
  return { handle, state, containerIp: CONTAINER_IP, labels, netIn, jobs: runningOf(container).length, rootfs, ...timesOf(container) };
}

function indexOr<Element>(list: readonly Element[], isWanted: (element: Element) => boolean, message: string): number {
  const index = list.findIndex(isWanted);
  if (index === -1) throw new WardenError('not_found', message);
  return index;
}

function withValues<Fields extends object>(fields: Fields): Partial<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Fields>;
}

function sorted(fields: object): unknown {
  return Object.entries(fields).filter(([, value]) => value !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The first, and one for each job. */
function processesOf(container: MockContainer): Process[] {
  if (container.state === 'stopped') return [];
  const init = { pid: 1, parentPid: 0, uid: 0, state: 'S', name: Buffer.from('wshd'), commandLine: Buffer.from(`wshd: ${container.handle}`) };
  return [init, ...runningOf(container).map((job) => job.process())];
}
