/**
 * A machine in memory for tests: it records every call, keeps what each call would make, and can fail call N before or after
 * its effect. What is left in it at the end is what a failing sequence would have left on a real machine.
 */
import { WardenError } from 'warden-protocol';
import type { FirewallChain, FirewallElement } from '../host/container-description.js';
import type { ContainerDisk, DiskLimits, DiskState } from '../host/disk.js';
import type { Host, JobRemains, NetworkRelease } from '../host/host.js';
import type { ContainerImage } from '../host/image.js';
import { FirewallMissing, type Bandwidth, type BandwidthInForce, type StaleConnections } from '../host/launcher.js';
import { defaultCpuShares, unlimitedMemory, type CpuLimit } from '../host/limits.js';
import { MonitorGone, type JobExit } from '../host/monitor.js';
import { formatIpv4Address } from '../lib/ipv4.js';
import { ManualClock } from '../lib/manual-clock.js';
import { RecordingCopies } from './recording-copies.js';
import { RecordingMonitor } from './recording-monitor.js';

const unlimitedCpu: CpuLimit = { shares: defaultCpuShares, quota: undefined, cpus: undefined };

/** When the chosen call fails: before it did anything, or when everything was done and only the answer got lost. */
export type FailureMoment = 'before' | 'after';

export class RecordingHost implements Host {
  readonly clock = new ManualClock();
  readonly bootId = 'boot-1';
  readonly lang = 'en_US.UTF-8';
  readonly ephemeralPorts = { first: 32_768, last: 60_999 };
  readonly syslog = { socketPath: () => '/run/host/log', timeZone: () => 'CET-1CEST,M3.5.0,M10.5.0/3' };
  readonly coreDumps = { leaveContainers: () => this.coreDumpsLeave };
  /** How the first jobs of containers made in advance end; undefined: they do not. */
  warmUpEnd: JobExit | undefined = { kind: 'exited', status: 0 };
  /** What coreDumps says. */
  coreDumpsLeave = false;
  readonly calls: string[] = [];
  readonly directories = new Set<string>();
  readonly snapshots = new Map<string, string>();
  readonly elements = new Set<string>();
  /** Rules of chains, by name. */
  readonly chains = new Map<string, readonly string[]>();
  readonly groups = new Set<string>();
  /** Ports that programs of the machine listen on: `tcp 22`. */
  readonly listening = new Set<string>();
  /** Connections that were forgotten, one for each call. */
  readonly forgotten: StaleConnections[] = [];
  /** Limits by the ifb's name. */
  readonly bandwidths = new Map<string, Bandwidth>();
  /** Living monitors by container id. */
  readonly living = new Map<string, RecordingMonitor>();
  /** Ids of those that ended because they were told to. */
  readonly destroyed = new Set<string>();
  /** What dead monitors have left of their jobs, by container id. */
  readonly remains = new Map<string, JobRemains[]>();
  /** Jobs that have a group, by container id. */
  readonly jobGroups = new Map<string, number[]>();
  readonly releases: NetworkRelease[] = [];
  /** Whatever was found on the machine may be another now. */
  changes = 0;
  #failAt: number | undefined;
  #moment: FailureMoment = 'before';

  /** Lets the call with this number (1 is the next) fail. */
  failCall(number: number, moment: FailureMoment): void {
    this.calls.length = 0;
    this.#failAt = number;
    this.#moment = moment;
  }

  /** Everything succeeds again. */
  repair(): void {
    this.#failAt = undefined;
  }

  /** What is on the machine, in words. */
  leftovers(): string[] {
    return [
      ...[...this.directories].map((id) => `directory ${id}`),
      ...[...this.snapshots.keys()].map((id) => `snapshot ${id}`),
      ...[...this.elements].map((element) => `element ${element}`),
      ...[...this.chains.keys()].map((name) => `chain ${name}`),
      ...[...this.groups].map((id) => `cgroup ${id}`),
      ...[...this.imagesHeld.keys()].map((id) => `image of ${id}`),
      ...[...this.living.keys()].map((id) => `monitor ${id}`),
      ...[...this.bandwidths.keys()].map((name) => `interface ${name}`),
    ];
  }

  #markOf(): () => boolean {
    const { changes } = this;
    return () => this.changes === changes;
  }

  /** Records a call; `effect` is what it does. */
  call<Result>(name: string, effect: () => Result): Result {
    this.calls.push(name);
    const fails = this.calls.length === this.#failAt;
    if (fails && this.#moment === 'before') throw new WardenError('internal', `made to fail before: ${name}`);
    const result = effect();
    if (fails) throw new WardenError('internal', `made to fail after: ${name}`);
    return result;
  }

  readonly launcher: Host['launcher'] = {
    create: async (description) =>
      this.call('launcher.create', () => {
        if (!this.directories.has(description.id)) throw new Error('there is no directory');
        this.groups.add(description.id);
        this.#change(description.firewallElements);
        this.living.set(description.id, new RecordingMonitor(this, description.id, description.users.find(({ name }) => name === 'vcap')?.uid));
        return { pid: 4711, linkIndex: undefined };
      }),
    changeFirewall: async (elements, chains = []) => this.call('launcher.changeFirewall', () => this.#change(elements, chains)),
    limitBandwidth: async ({ ifbName }, limit, alias) =>
      this.call('launcher.limitBandwidth', () => {
        this.aliases.set(ifbName, alias);
        return this.#shape(ifbName, limit);
      }),
    readBandwidth: async ({ ifbName }) => this.call('launcher.readBandwidth', () => this.#shape(ifbName, this.bandwidths.get(ifbName))),
    isListening: async (protocol, port) => this.call('launcher.isListening', () => this.listening.has(`${protocol} ${port}`)),
    openUnlessListening: async (protocol, port, elements) =>
      this.call('launcher.openUnlessListening', () => {
        if (this.listening.has(`${protocol} ${port}`)) return false;
        this.#change(elements);
        return true;
      }),
    forgetConnections: async (order) => this.call('launcher.forgetConnections', () => void this.forgotten.push(order)),
    removeBandwidthLimit: async ({ ifbName }) => this.call('launcher.removeBandwidthLimit', () => void this.bandwidths.delete(ifbName)),
    removeLink: async (hostName) => this.call('launcher.removeLink', () => void this.interfaces.splice(this.interfaces.findIndex((each) => each.hostName === hostName), 1)),
    watchFirewall: async () => this.call('launcher.watchFirewall', () => undefined),
    readLinkStatistics: async () => this.call('launcher.readLinkStatistics', () => ({ inBytes: 10n, inPackets: 1n, outBytes: 20n, outPackets: 2n })),
  };

  readonly monitors: Host['monitors'] = {
    open: (id) => {
      const living = (): RecordingMonitor => {
        const monitor = this.living.get(id);
        if (monitor === undefined) throw new MonitorGone('no such monitor', this.destroyed.has(id));
        return monitor;
      };
      return {
        rename: async (name) => this.call('monitor.rename', () => void living().names.push(name)),
        spawn: async (job) => this.call('monitor.spawn', () => living().spawn(job)),
        spawnFollowed: async (job, sink, upToInBytes) =>
          this.call('monitor.spawnFollowed', () => {
            living().spawn(job, upToInBytes);
            const followed = living().follow(job.jobId, sink, { upToInBytes });
            const exit = job.script?.toString() === 'exit\n' ? this.warmUpEnd : undefined;
            if (exit !== undefined) living().end(job.jobId, exit);
            return followed;
          }),
        follow: async (jobId, sink, wish) => this.call('monitor.follow', () => living().follow(jobId, sink, wish)),
        readOutput: async (jobId, range, sink) => this.call('monitor.readOutput', () => living().readOutput(jobId, range, sink)),
        writeInput: (jobId, data, close) => this.call('monitor.writeInput', () => living().writeInput(jobId, data, close)),
        resize: async (jobId, rows, columns) => this.call('monitor.resize', () => living().resize(jobId, rows, columns)),
        signalJob: async (jobId, signal) => this.call('monitor.signalJob', () => living().signalJob(jobId, signal)),
        forget: async (jobId) => this.call('monitor.forget', () => living().forget(jobId)),
        transfer: (order, sink) => this.call('monitor.transfer', () => living().transfer(order, sink)),
        list: async () => this.call('monitor.list', () => living().list()),
        vcapUid: async () => this.call('monitor.vcapUid', () => living().vcapUid),
        isGone: async () => !this.living.has(id),
        endAll: async (signal, deadlineMs) => this.call('monitor.endAll', async () => {
          living().signalAll(signal);
          await living().awaitEmpty(this.clock, deadlineMs);
        }),
        watch: async (receive, lost) => this.call('monitor.watch', () => living().watch(receive, lost)),
        destroy: async (_deadlineMs, order) => this.call('monitor.destroy', () => living().destroy(order)),
        close: () => undefined,
      };
    },
  };

  readonly depot: Host['depot'] = {
    directoryOf: (id) => `/depot/containers/${id}`,
    makeDirectory: async (id) =>
      this.call('depot.makeDirectory', () => {
        this.directories.add(id);
        return { path: `/depot/containers/${id}`, disk: `/depot/disks/${id}` };
      }),
    diskOf: (id) => (this.directories.has(id) ? `/depot/disks/${id}` : undefined),
    discardDirectory: (id) =>
      this.call('depot.discardDirectory', () => {
        this.directories.delete(id);
        this.snapshots.delete(id);
      }),
    prepareSnapshot: () => this.call('depot.prepareSnapshot', () => undefined),
    expectSnapshot: () => undefined,
    writeSnapshot: (id, text) => this.call('depot.writeSnapshot', () => void this.snapshots.set(id, text)),
    readJobRemains: (id) => this.remains.get(id) ?? [],
    recordRelease: (release) => this.call('depot.recordRelease', () => void this.releases.push(release)),
    readReleases: () => this.releases.filter(({ freeFromMs }) => freeFromMs > this.clock.now()),
    readSnapshots: () => [...this.directories].map((containerId) => ({ containerId, snapshot: this.snapshots.get(containerId) })),
  };

  /** By directory. */
  readonly diskLimits = new Map<string, DiskLimits>();

  readonly disks: Host['disks'] = {
    backend: 'project',
    usage: (disk) => this.#diskState(disk).usage,
    limit: async (disk, change) =>
      this.call('disks.limit', () => {
        this.diskLimits.set(disk.directory ?? '', { ...this.#diskState(disk).limits, ...change });
        return this.#diskState(disk);
      }),
    release: async (disk) => this.call('disks.release', () => void this.diskLimits.delete(disk.directory ?? '')),
  };

  #diskState({ directory }: ContainerDisk): DiskState {
    return { limits: this.diskLimits.get(directory ?? '') ?? { bytes: 0n, inodes: 0n }, usage: { bytes: 4096n, inodes: 3n } };
  }

  readonly cgroups: Host['cgroups'] = {
    describe: (id) => [{ path: `/cgroup/${id}`, version: 1, settings: [] }],
    list: () => [...this.groups],
    hasProcesses: (id) => this.living.has(id),
    jobIds: (id) => this.jobGroups.get(id) ?? [],
    removeLeftovers: async (id) =>
      this.call('cgroups.removeLeftovers', () => {
        this.groups.delete(id);
        this.living.get(id)?.die();
        this.living.delete(id);
      }),
  };

  /** What was limited, by container id. */
  readonly memoryLimits = new Map<string, bigint>();
  readonly cpuLimits = new Map<string, CpuLimit>();

  readonly memory: Host['memory'] = {
    read: (id) => this.call('memory.read', () => this.memoryLimits.get(id) ?? unlimitedMemory),
    write: async (id, limitInBytes) => this.call('memory.write', () => void this.memoryLimits.set(id, limitInBytes < unlimitedMemory ? limitInBytes & ~4095n : unlimitedMemory)),
  };

  readonly cpu: Host['cpu'] = {
    read: (id) => this.call('cpu.read', () => this.cpuLimits.get(id) ?? unlimitedCpu),
    write: (id, { shares, quota, cpus }) =>
      this.call('cpu.write', () => {
        const before = this.cpuLimits.get(id) ?? unlimitedCpu;
        this.cpuLimits.set(id, {
          shares: shares ?? before.shares,
          quota: quota === undefined ? before.quota : (quota ?? undefined),
          cpus: cpus === undefined ? before.cpus : cpus === '' ? undefined : cpus,
        });
      }),
  };

  readonly pidsLimits = new Map<string, bigint | undefined>();

  readonly pids: Host['pids'] = {
    read: (id) => this.call('pids.read', () => this.pidsLimits.has(id) ? this.pidsLimits.get(id) : 1024n),
    write: (id, limit) => this.call('pids.write', () => void this.pidsLimits.set(id, limit)),
  };

  /** Process ids of loads. */
  readonly loads = new Set<number>();

  readonly firewall: Host['firewall'] = {
    load: async (links) =>
      this.call('firewall.load', () => {
        this.elements.clear();
        this.chains.clear();
        this.#change(links.flatMap((link) => this.firewall.elementsOf(link, 'add')));
      }),
    isOwnChange: ({ pid = 0 }) => this.loads.has(pid),
    elementsOf: (link, operation) => [{ operation, family: 'inet', table: 'warden', set: 'interfaces', key: Buffer.from(link.hostName) }],
    netOutAdded: (link, rule) => {
      const { chains, ...change } = this.firewall.netOutOf(link, [rule]);
      return { ...change, chains: chains.map((chain) => ({ ...chain, operation: 'add' })) };
    },
    netOutOf: ({ containerAddress }, rules) => ({
      elements: [],
      chains: [{ operation: rules.length === 0 ? 'delete' : 'ensure', family: 'inet', table: 'warden', name: `out-${formatIpv4Address(containerAddress)}`, rules: rules.map(({ text }) => ({ expressions: Buffer.from(text), note: Buffer.from(text) })) }],
      ended: () => undefined,
    }),
    netOutRemoved: ({ containerAddress }, { text }) => [{ operation: 'add', family: 'inet', table: 'warden', name: `out-${formatIpv4Address(containerAddress)}`, rules: [], gone: [Buffer.from(text)] }],
    netOutAhead: () => undefined,
    portElementsOf: ({ protocol, hostPort, address, containerPort }, operation) => [
      { operation, family: 'inet', table: 'warden', set: 'forwarded', key: Buffer.from(`${protocol} ${hostPort} → ${formatIpv4Address(address)} ${containerPort}`) },
    ],
  };

  /** What the resolver answers containers, by address: patterns, or everything when there are none. */
  readonly served = new Map<number, readonly string[]>();

  readonly resolver: Host['resolver'] = {
    serve: async (client, patterns) => this.call('resolver.serve', () => void this.served.set(client, patterns)),
    forget: (client) => void this.served.delete(client),
  };

  readonly nameFirewall: Host['nameFirewall'] = {
    questions: (container, { restricted, forwarded }, operation) =>
      [...(restricted ? ['restricted'] : []), ...forwarded.map((protocol) => `forwarded ${protocol}`)].map((what) => this.#element(operation, 'questions', `${formatIpv4Address(container)} ${what}`)),
    opening: (container, { address, protocol = 'all', ports, logged }, timeoutMs) =>
      this.#element(timeoutMs === undefined ? 'delete' : 'add', 'opened', `${formatIpv4Address(container)} ${formatIpv4Address(address)} ${protocol} ${ports?.first ?? 'all'}${logged ? ' logged' : ''}`),
    resolver: (port) => [this.#element('ensure', 'resolver', String(port))],
  };

  #element(operation: FirewallElement['operation'], set: string, key: string): FirewallElement {
    return { operation, family: 'inet', table: 'warden', set, key: Buffer.from(key) };
  }

  /** What every name of an image stands for. */
  readonly image: ContainerImage = { id: `sha256:${'1'.repeat(64)}`, layers: [`sha256:${'2'.repeat(64)}`, `sha256:${'3'.repeat(64)}`], environment: ['A=image', 'PATH=/opt/bin'], user: 'app', workingDirectory: '/srv' };
  /** Images by the container that is made of them. */
  readonly imagesHeld = new Map<string, ContainerImage>();
  holdsEverything = false;

  readonly rootFileSystems: Host['rootFileSystems'] = {
    open: (path) => {
      if (path.includes('missing')) throw new WardenError('not_found', `rootfs ${path} not found`);
      return this.call('rootFileSystems.open', () => (path.startsWith('image:') ? { lowers: ['/images/upper', '/images/lower'], mounts: [], image: this.image, isStill: this.#markOf() } : { lowers: [path], mounts: [], isStill: this.#markOf() }));
    },
    hold: (id, _handle, image) => this.call('rootFileSystems.hold', () => void this.imagesHeld.set(id, image)),
    release: (id) => void this.imagesHeld.delete(id),
    holdEverything: () => {
      this.holdsEverything = true;
    },
  };

  readonly bindSources: Host['bindSources'] = {
    open: (path) => {
      if (path.includes('missing')) throw new WardenError('not_found', `Source path for bind mount does not exist: ${path}`);
      return { path, isFile: path.endsWith('.txt') };
    },
  };

  readonly hookPrograms: Host['hookPrograms'] = {
    find: (name) => {
      if (name.includes('missing')) throw new WardenError('not_found', `hook ${name} not found`);
      return `/hooks/${name}`;
    },
  };

  /** Interfaces of the host besides those of living containers. */
  readonly interfaces: { hostName: string; hostAddress: number }[] = [];

  /** Aliases by the ifb's name. */
  readonly aliases = new Map<string, string>();

  readonly links: Host['links'] = {
    indexOf: (name) => this.interfaces.findIndex(({ hostName }) => hostName === name) + 1 || undefined,
    list: () => this.interfaces,
    listIfbs: () => [...this.bandwidths.keys()].map((ifbName) => ({ ifbName, alias: this.aliases.get(ifbName) ?? '' })),
  };

  readonly statistics: Host['statistics'] = { memory: () => undefined, encodedMemory: () => undefined, cpu: () => ({ usage: 1n, user: 2n, system: 3n }), pids: () => ({ current: 4n, max: undefined }), forget: () => undefined };

  readonly copies = new RecordingCopies();
  readonly accounts = { owner: () => ({ uid: 7, gid: 8 }) };

  readonly nameServers: Host['nameServers'] = {
    list: () => ['192.0.2.53'],
    look: () => ({ servers: this.nameServers.list(), isStill: this.#markOf() }),
  };

  #shape(ifbName: string, limit: Bandwidth | undefined): BandwidthInForce {
    if (limit !== undefined) this.bandwidths.set(ifbName, limit);
    return { inbound: limit, outbound: limit };
  }

  #change(elements: readonly FirewallElement[], chains: readonly FirewallChain[] = []): void {
    for (const { operation, name, rules, gone = [] } of chains) {
      const before = operation === 'add' ? (this.chains.get(name) ?? []) : [];
      const lost = gone.map((note) => Buffer.from(note).toString());
      if (!lost.every((text) => before.includes(text))) throw new FirewallMissing(new WardenError('internal', `${name} has no such rule`));
      if (operation === 'delete') this.chains.delete(name);
      else this.chains.set(name, [...before.filter((text) => !lost.includes(text)), ...rules.map(({ note }) => Buffer.from(note).toString())]);
    }
    for (const { operation, set, key } of elements) {
      const name = `${set} ${Buffer.from(key).toString()}`;
      if (operation === 'delete') this.elements.delete(name);
      else this.elements.add(name);
    }
  }
}
