/**
 * Figures about the server, for Prometheus: requests and their times as they are answered, and the state of containers, pools and
 * the process when somebody asks. The text format, histograms and the escaping of labels are prom-client's.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { messageTypes, requestTypes, type ErrorCode, type RequestType } from 'warden-protocol';
import type { Container } from '../container/container.js';
import type { Containers } from '../container/containers.js';

/** Seconds: a ping takes 0.1 ms, a create some 5 ms, a stop up to ten seconds, a run as long as its job. */
const durationBuckets = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600];
/** Reading one container's files takes 0.1 ms; others get their turn after so many. */
const containersInARow = 8;
/** Milliseconds between the moments at which it is measured. */
const eventLoopResolutionMs = 20;

export interface MetricsSources {
  /** How often each was started again because it was gone. */
  readonly restarts: Readonly<Record<'launcher' | 'resolver', () => number>>;
  readonly connections: () => number;
}

export interface MetricsOptions {
  /** Also what each container uses, labelled with its handle: one read of its files per container and scrape. */
  readonly ofContainers: boolean;
}

const states = ['active', 'stopped'] as const;

export class Metrics {
  readonly #registry = new Registry();
  readonly #eventLoopDelay = monitorEventLoopDelay({ resolution: eventLoopResolutionMs });
  readonly #durations = new Map<RequestType, { observe(seconds: number): void }>();
  readonly #requests: Counter<'request' | 'code'>;
  /** Of each request and code there was: looking a counter up by its labels costs more than a ping. */
  readonly #counted = new Map<string, { inc(): void }>();
  #containerUse: Record<'memory' | 'cpu' | 'pids', Gauge<'handle' | 'id'>> | undefined;

  constructor(
    private readonly containers: Containers,
    sources: MetricsSources,
    { ofContainers }: MetricsOptions,
  ) {
    this.#eventLoopDelay.enable();
    const registers = [this.#registry];
    this.#requests = new Counter({ name: 'warden_requests_total', help: 'Requests that were answered; code is ok, or that of the error.', labelNames: ['request', 'code'], registers });
    const durations = new Histogram({ name: 'warden_request_duration_seconds', help: 'From a whole request to its answer; of run, link and stream with the job in between.', labelNames: ['request'], buckets: durationBuckets, registers });
    for (const type of requestTypes) this.#durations.set(type, durations.labels(messageTypes[type].name));
    this.#gauge('warden_containers', 'Containers by state.', 'state', () => this.#byState());
    this.#gauge('warden_containers_quarantined', 'Living containers that could not be taken over.', undefined, () => [['', containers.quarantinedCount]]);
    this.#gauge('warden_jobs_running', 'Jobs that have not ended.', undefined, () => [['', containers.all().reduce((sum, { jobs }) => sum + [...jobs.values()].filter(({ exit }) => exit === undefined).length, 0)]]);
    this.#gauge('warden_connections', 'Connections of clients.', undefined, () => [['', sources.connections()]]);
    this.#gauge('warden_pool_size', 'What a pool has in all.', 'pool', () => [['network', containers.networks.size], ['uid', containers.uids.size], ['tcp_port', containers.ports.size], ['udp_port', containers.ports.size]]);
    this.#gauge('warden_pool_taken', 'What of a pool containers have, or what rests until it is given again.', 'pool', () => [['network', containers.networks.taken], ['uid', containers.uids.taken], ['tcp_port', containers.ports.taken('tcp')], ['udp_port', containers.ports.taken('udp')]]);
    this.#gauge('warden_waiting_containers', 'Containers made in advance that no client has yet.', 'rootfs', () => containers.waiting.figures().map(({ rootfs, waiting }) => [rootfs, waiting]));
    this.#counter('warden_waiting_claims_total', 'Creates that got a container made in advance.', 'rootfs', () => containers.waiting.figures().map(({ rootfs, claims }) => [rootfs, claims]));
    this.#counter('warden_waiting_misses_total', 'Creates that would have got one, had one been there.', 'rootfs', () => containers.waiting.figures().map(({ rootfs, misses }) => [rootfs, misses]));
    this.#counter('warden_out_of_memory_total', 'Containers in which the OOM killer took a process.', undefined, () => [['', containers.outOfMemoryCount]]);
    this.#counter('warden_process_restarts_total', 'Processes of the server that were gone and were started again.', 'process', () => [['launcher', sources.restarts.launcher()], ['resolver', sources.restarts.resolver()]]);
    this.#gauge('warden_event_loop_delay_seconds', 'How late the event loop is, since the last time this was asked.', 'quantile', () => this.#delays());
    this.#gauge('process_resident_memory_bytes', 'Memory of wardend itself.', undefined, () => [['', process.memoryUsage.rss()]]);
    this.#counter('process_cpu_seconds_total', 'Processor time of wardend itself.', undefined, () => {
      const { user, system } = process.cpuUsage();
      return [['', (user + system) / 1e6]];
    });
    const started = Math.round(Date.now() / 1000 - process.uptime());
    this.#gauge('process_start_time_seconds', 'When wardend was started, since 1970.', undefined, () => [['', started]]);
    if (ofContainers) this.#containerUse = this.#usageOfContainers();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** One request was answered. */
  answered(type: RequestType, seconds: number, code: ErrorCode | 'ok'): void {
    this.#durations.get(type)?.observe(seconds);
    const key = `${type} ${code}`;
    let counter = this.#counted.get(key);
    if (counter === undefined) this.#counted.set(key, counter = this.#requests.labels(messageTypes[type].name, code));
    counter.inc();
  }

  async render(): Promise<string> {
    if (this.#containerUse !== undefined) await this.#readContainers(this.#containerUse);
    return this.#registry.metrics();
  }

  close(): void {
    this.#eventLoopDelay.disable();
  }

  #gauge(name: string, help: string, label: string | undefined, read: () => readonly (readonly [string, number])[]): void {
    const gauge: Gauge = new Gauge({ name, help, labelNames: label === undefined ? [] : [label], registers: [this.#registry], collect: () => {
      for (const [value, number] of read()) if (label === undefined) gauge.set(number); else gauge.set({ [label]: value }, number);
    } });
  }

  /** Of numbers that only grow, and that are counted elsewhere. */
  #counter(name: string, help: string, label: string | undefined, read: () => readonly (readonly [string, number])[]): void {
    const counter: Counter = new Counter({ name, help, labelNames: label === undefined ? [] : [label], registers: [this.#registry], collect: () => {
      counter.reset();
      for (const [value, number] of read()) if (label === undefined) counter.inc(number); else counter.inc({ [label]: value }, number);
    } });
  }

  #byState(): [string, number][] {
    const all = this.containers.all();
    return states.map((state) => [state, all.filter((container) => container.state === state).length]);
  }

  #delays(): [string, number][] {
    const delay = this.#eventLoopDelay;
    // The timer's own interval is in what it measures.
    const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - eventLoopResolutionMs / 1000);
    const found: [string, number][] = delay.count === 0 ? [['0.5', 0], ['0.99', 0], ['1', 0]] : [['0.5', seconds(delay.percentile(50))], ['0.99', seconds(delay.percentile(99))], ['1', seconds(delay.max)]];
    delay.reset();
    return found;
  }

  #usageOfContainers(): Record<'memory' | 'cpu' | 'pids', Gauge<'handle' | 'id'>> {
    const gauge = (name: string, help: string): Gauge<'handle' | 'id'> => new Gauge({ name, help, labelNames: ['handle', 'id'], registers: [this.#registry] });
    return {
      memory: gauge('warden_container_memory_bytes', 'Anonymous memory and page cache of a container.'),
      cpu: gauge('warden_container_cpu_seconds', 'Processor time that a container has used.'),
      pids: gauge('warden_container_pids', 'Processes and threads of a container.'),
    };
  }

  async #readContainers(gauges: Record<'memory' | 'cpu' | 'pids', Gauge<'handle' | 'id'>>): Promise<void> {
    for (const gauge of Object.values(gauges)) gauge.reset();
    const all = this.containers.all();
    for (let next = 0; next < all.length; next += containersInARow) {
      for (const container of all.slice(next, next + containersInARow)) this.#readContainer(gauges, container);
      await new Promise(setImmediate);
    }
  }

  #readContainer(gauges: Record<'memory' | 'cpu' | 'pids', Gauge<'handle' | 'id'>>, { id, handle }: Container): void {
    const { statistics } = this.containers.host;
    const labels = { handle, id };
    const [memory, cpu, pids] = [statistics.memory(id), statistics.cpu(id), statistics.pids(id)];
    if (memory !== undefined) gauges.memory.set(labels, Number(memory.totalRss + memory.totalCache));
    if (cpu !== undefined) gauges.cpu.set(labels, Number(cpu.usage) / 1e9);
    if (pids !== undefined) gauges.pids.set(labels, Number(pids.current));
  }
}
