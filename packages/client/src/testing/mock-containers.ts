// The containers of the mock server: what requests do to them, as far as a client can see.
import { type CreateRequest, type LimitCpuResponse, type LimitDiskResponse, NetInProtocol, type NetInMapping, NetOutProtocol, type NetOutRule, type ResponseInit, type SpawnRequest, Type,
  WardenError } from 'warden-protocol';
import type { FakeHandlers } from './fake-server.js';
import { MockEvents } from './mock-events.js';
import { MockJob, type MockProgram } from './mock-job.js';

/** A container that the mock server keeps. */
export interface MockContainer {
  readonly handle: string;
  /** What it was made with. */
  readonly request: CreateRequest;
  state: 'active' | 'stopped';
  readonly events: string[];
  readonly jobs: Map<number, MockJob>;
  readonly netOut: NetOutRule[];
  readonly netIn: NetInMapping[];
  memoryLimit: bigint;
  diskLimits: LimitDiskResponse;
  cpuLimits: LimitCpuResponse;
  bandwidth: { readonly rate: bigint; readonly burst: bigint } | undefined;
}

const UNLIMITED_MEMORY = 9223372036854771712n;
const DEFAULT_SHARES = 1024n;
const FIRST_PORT = 61001;
const KILL = 9;
const TERM = 15;

export class MockContainers {
  readonly all = new Map<string, MockContainer>();
  readonly events = new MockEvents();
  readonly #program: MockProgram;
  #made = 0;
  #jobs = 0;
  #port = FIRST_PORT;

  constructor(program: MockProgram) {
    this.#program = program;
  }

  handlers(): FakeHandlers {
    return { ...this.#lifecycle(), ...this.#jobRequests(), ...this.#outputRequests(), ...this.#network(), ...this.#limits() };
  }

  #lifecycle(): FakeHandlers {
    return {
      [Type.Echo]: ({ message }) => ({ message }),
      [Type.List]: () => ({ handles: [...this.all.keys()] }),
      [Type.Create]: (request) => {
        const handle = request.handle ?? `mock${++this.#made}`;
        if (this.all.has(handle)) throw new WardenError('exists', `container with handle: ${handle} already exists`);
        this.all.set(handle, {
          handle, request, state: 'active', events: [], jobs: new Map(), netOut: [], netIn: [],
          memoryLimit: UNLIMITED_MEMORY, diskLimits: { byteLimit: 0n, inodeLimit: 0n }, cpuLimits: { limitInShares: DEFAULT_SHARES }, bandwidth: undefined,
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
        this.#stop(this.#named(handle), KILL);
        this.all.delete(handle);
        this.events.tell({ kind: 'destroyed', handle });
        return {};
      },
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
      [Type.Link]: async ({ handle, jobId }) => {
        const job = this.#job(handle, jobId);
        await job.ended();
        return this.#taken(handle, job);
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
      [Type.LimitBandwidth]: ({ handle, rate, burst }) => this.#named(handle).bandwidth = { rate, burst },
    };
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

  #info({ handle, state, events, jobs, netOut, netIn }: MockContainer): ResponseInit<Type.Info> {
    const running = [...jobs.values()].filter((job) => !job.hasEnded);
    return { state, events, hostIp: '10.254.0.1', containerIp: '10.254.0.2', containerPath: `/mock/${handle}`, jobIds: running.map(({ id }) => BigInt(id)), netOut, netIn };
  }
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
