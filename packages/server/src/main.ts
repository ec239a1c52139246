/**
 * wardend: the composition root, and the only file that names the real adapters. Starts in an order in which nothing is
 * touched before it is certain that this server may: configuration, rights, programs, the names that
 * are one server's alone, the depot's lock, the socket; then the containers that live already, the firewall, and last the listening socket.
 */
import { join } from 'node:path';
import { WardenError } from 'warden-protocol';
import { parseCommandLine, usage } from './command-line.js';
import type { Configuration } from './config/configuration.js';
import { configurationOf } from './config/load.js';
import { reloadConfiguration } from './config/reload.js';
import { settingsInForce, showSettings } from './config/show.js';
import { readLayers, type Sources } from './config/sources.js';
import { adoptContainers } from './container/adopt.js';
import { removeStrayLimits, restoreBandwidthLimits } from './container/bandwidth.js';
import { Containers } from './container/containers.js';
import { destroyContainer } from './container/destroy.js';
import { isOpenToAll } from './container/name-policy.js';
import { lacksNameServers, nameServersFor } from './container/name-servers.js';
import { restoreNetOut } from './container/net-out.js';
import { forwardsOf } from './container/port-mapping.js';
import { reserveUnknownLinks } from './container/quarantine.js';
import { limitsAbove } from './container/rlimits.js';
import { recordState } from './container/snapshot.js';
import type { LinkDescription } from './host/container-description.js';
import type { Host } from './host/host.js';
import { LinuxAccounts } from './host/linux/accounts.js';
import { LinuxBindSources } from './host/linux/bind-sources.js';
import { LinuxCgroups } from './host/linux/cgroups.js';
import { containersMemory, limitContainersMemory, memoryOfMachine } from './host/linux/containers-memory.js';
import { LinuxCoreDumps } from './host/linux/core-dumps.js';
import { LinuxDepot } from './host/linux/depot.js';
import { LinuxCpuLimits } from './host/linux/cpu-limits.js';
import { claimName } from './host/linux/exclusive-name.js';
import { diskBackends, LinuxDisks } from './host/linux/disks.js';
import { LinuxFirewall } from './host/linux/firewall.js';
import { warnOfForeignFirewalls } from './host/linux/foreign-firewall.js';
import { LinuxHookPrograms, requireHookProgram } from './host/linux/hook-programs.js';
import { LinuxHostLinks } from './host/linux/host-links.js';
import { LauncherProcess } from './host/linux/launcher.js';
import { LinuxMemoryLimits } from './host/linux/memory-limits.js';
import { LinuxMonitors, monitorSocketPath } from './host/linux/monitor.js';
import { LinuxNameFirewall } from './host/linux/name-firewall.js';
import { LinuxNameServers } from './host/linux/name-servers.js';
import { LinuxStatistics } from './host/linux/statistics.js';
import { LinuxSyslog } from './host/linux/syslog.js';
import { kernelProcessLimit, totalPidsMax } from './host/linux/process-numbers.js';
import { enableForwarding, hardLimits, openFileLimit, readBootId, readEphemeralPorts, requirePrograms, requireRoot } from './host/linux/preflight.js';
import { LinuxRegistry } from './host/linux/registry-process.js';
import { ResolverProcess } from './host/linux/resolver-process.js';
import { LinuxRootFileSystems } from './host/linux/root-file-systems.js';
import { SystemdService } from './host/linux/systemd-service.js';
import { Trash } from './host/linux/trash.js';
import { readSmallFile, replaceSmallFile } from './host/linux/small-file.js';
import { StepError } from './host/linux/step-error.js';
import { archiveProgram } from './image/archive-program.js';
import { LinuxImageStore } from './image/linux-image-store.js';
import { NamedRootFileSystemsFile } from './image/named-root-file-systems.js';
import { Pulls } from './image/pulls.js';
import { StoreDirectory } from './image/store-directory.js';
import { withDeadline } from './lib/deadline.js';
import type { Log } from './lib/log.js';
import { formatPortRange, portRangesOverlap } from './lib/port.js';
import { systemClock } from './lib/timer.js';
import { openLog } from './log-file.js';
import { JobIds } from './pool/job-ids.js';
import { portPoolRange } from './pool/port-pool.js';
import { makeHandlers } from './server/handlers.js';
import { HealthServer } from './server/health-server.js';
import { Listener } from './server/listener.js';
import { Metrics } from './server/metrics.js';
import { writePidfile } from './server/pidfile.js';
import { TlsPort } from './server/tls-port.js';

/** Shares of the time for the end, by which each of its steps is over, whatever clients, monitors and disks do. */
const endOf = { requests: 0.75, background: 0.85, trash: 0.9, disks: 0.95, launcher: 1 } as const;
/** Node's names of processors as images have them. */
const goArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', ia32: '386' };
const namedLimitInBytes = 8 * 1024 * 1024;
/** Descriptors that are not clients': log, launcher, depot, and those of containers, two or three each. */
const reservedDescriptors = 64;

async function serve(sources: Sources): Promise<void> {
  let tlsPort: TlsPort | undefined;
  let layers = readLayers(sources);
  const configuration = configurationOf(layers);
  requireRoot();
  requirePrograms(configuration.programsPath);
  for (const { point, command: [program = ''] } of configuration.hooks.programs) {
    requireHookProgram(program, () => new WardenError('not_found', `hooks.${point}: there is no program ${program}`));
  }
  const groupId = configuration.socketGroup === null ? undefined : socketGroupId(configuration.socketGroup);
  const { log, reopen, attachSyslog } = openLog(configuration.logging);
  const service = new SystemdService({ environment: process.env, pid: process.pid, send: async (path, text) => launcher.sendDatagram(path, text), clock: systemClock, log });
  process.on('SIGHUP', () => {
    reopen();
    service.reloading(process.hrtime.bigint() / 1000n);
    try {
      const next = readLayers(sources);
      const { configuration: reloaded, changed, needRestart } = reloadConfiguration(configuration, layers, next);
      // What can fail comes first: then nothing has changed.
      tlsPort?.reload();
      // Whoever has the object reads the new values from it.
      Object.assign(configuration, reloaded);
      layers = next;
      log.level = configuration.logging.level;
      log.info({ changed }, 'the configuration was read anew');
      if (needRestart.length > 0) log.warn({ keys: needRestart }, `changed, but in force only after a restart: ${needRestart.join(', ')}`);
    } catch (error) {
      log.error({ err: error }, 'the configuration is not right any more: what was in force stays');
    }
    service.reloaded();
  });
  if (configuration.allowsNested) log.warn('server.allow_nested_warden: root of a container is as good as root of this machine; nobody may create or use containers here who is not trusted with that');
  for (const { name, hard } of limitsAbove(configuration.rlimits, hardLimits())) {
    log.warn({ hard: String(hard) }, `server.container_rlimits.${name} is above what wardend itself may have (its hard limit): jobs get that, with an event of their container`);
  }
  await claimNames(configuration);
  const bootId = readBootId();
  const depot = new LinuxDepot(configuration.depotPath, log, {
    bootId,
    now: () => systemClock.now(),
    removeEntries: (directory, names) => launcher.discard(directory, names),
    makeDisk: () => disks.make(),
  });
  depot.prepare();
  const { root, version, parent } = configuration.cgroup;
  const total = totalPidsMax(configuration.totalPidsMax, kernelProcessLimit());
  const cgroups = new LinuxCgroups({ root, version, parent, pidsMax: configuration.pidsMax, totalPidsMax: total });
  cgroups.prepare();
  if (configuration.totalPidsMax !== undefined && configuration.totalPidsMax > total) {
    log.warn({ configured: configuration.totalPidsMax, inForce: total }, 'server.containers_pids_max is above three quarters of what the kernel can have (kernel.pid_max, kernel.threads-max): that is what is in force');
  }
  if (!cgroups.limitsProcesses) log.warn({ root }, 'no pids controller: server.container_pids_max has no effect, a container can fill the process table');
  await limitMemoryOfContainers(cgroups, configuration, log);
  const launcher = new LauncherProcess({
    programsPath: configuration.programsPath,
    depotPath: configuration.depotPath,
    deviceCgroups: cgroups.deviceParents(),
    allDevices: configuration.allowsNested,
    firewall: { table: configuration.network.table, changed: (change) => containers.firewall.changed(change) },
    clock: systemClock,
    log,
  });
  const { depotPath, disk } = configuration;
  const disks = new LinuxDisks({ depotPath, choice: disk.backend, launcher, log }, diskBackends(depotPath, disk.imageSizeInBytes, launcher));
  await startLauncher(launcher, configuration);
  const syslog = new LinuxSyslog(configuration.syslogSocketPath);
  // A syslog that is gone or full loses lines, which are in the file, or on standard error.
  attachSyslog((datagram) => void launcher.sendDatagram(syslog.socketPath(), datagram).catch(() => undefined));
  await disks.prepare();

  const { network } = configuration;
  const firewall = new LinuxFirewall({ ...network }, systemClock, { names: () => containers.names.state(resolver.port), forwards: () => forwardsOf(containers.all()) });
  const nameFirewall = new LinuxNameFirewall(network.table);
  const resolver = new ResolverProcess({
    servers: network.dnsServers,
    clock: systemClock,
    log,
    announce: (port, before, done) => containers.firewall.change(() => launcher.changeFirewall(nameFirewall.resolver(port, before)).then(done)),
    open: (client, name, found) => containers.names.open(client, name, found),
  });
  if (syslog.lacksDirectory()) {
    log.warn({ socket: syslog.socketPath() }, 'the directory of syslog\'s socket (server.syslog_socket) does not exist: lines of jobs with a log_tag go nowhere in containers that are made before it does');
  }
  const imageStore = openImageStore(configuration, launcher, log);
  const namedRootFileSystems = openNamedRootFileSystems(configuration, (path) => rootFileSystems.open(path));
  const rootFileSystems: LinuxRootFileSystems = new LinuxRootFileSystems(depotPath, imageStore, (name) => namedRootFileSystems.pathOf(name));
  const host: Host = {
    launcher,
    monitors: new LinuxMonitors((id) => monitorSocketPath(depot.directoryOf(id)), systemClock, log),
    depot,
    disks,
    cgroups,
    memory: new LinuxMemoryLimits((id) => cgroups.groupOf(id, 'memory')),
    cpu: new LinuxCpuLimits(cgroups),
    firewall,
    nameFirewall,
    resolver,
    links: new LinuxHostLinks(),
    rootFileSystems,
    bindSources: new LinuxBindSources(configuration.depotPath),
    hookPrograms: new LinuxHookPrograms(configuration.hooks.directory),
    nameServers: new LinuxNameServers(),
    syslog,
    copies: { start: (order, progress) => launcher.copy(order, progress) },
    accounts: new LinuxAccounts(),
    coreDumps: new LinuxCoreDumps(),
    statistics: new LinuxStatistics(cgroups.hierarchies, parent),
    clock: systemClock,
    bootId,
    ephemeralPorts: readEphemeralPorts(),
    lang: process.env['LANG'] ?? 'en_US.UTF-8',
  };
  const jobIds = new JobIds(depot.readReservedJobIds(), (below) => depot.writeReservedJobIds(below));
  const containers: Containers = new Containers(configuration, host, jobIds, log, (container) => {
    log.info({ container: container.id, handle: container.handle }, 'the grace time is over');
    containers.inBackground(destroyContainer(containers, container), 'a container whose grace time is over could not be destroyed', container);
  });
  if (lacksNameServers(configuration.network.dnsServers, host.nameServers.list())) {
    log.warn('containers will have no DNS: network.dns_servers is empty, and this machine has no nameserver; set network.dns_servers');
  }
  const portPool = portPoolRange(configuration.port, host.ephemeralPorts);
  if (portRangesOverlap(portPool, host.ephemeralPorts)) {
    log.warn({ pool: formatPortRange(portPool), ephemeral: formatPortRange(host.ephemeralPorts) }, 'the pool of ports for net_in (port.pool_start_port, port.pool_size) has ports that the kernel gives to connections of the machine\'s own (net.ipv4.ip_local_port_range): a program that gets one of them is not reached there from outside');
  }
  const limit = openFileLimit();
  const maxConnections = limit === undefined ? undefined : Math.max(16, Math.floor((limit - reservedDescriptors) / 2));
  const listener: Listener = new Listener({
    path: configuration.socketPath,
    permissions: configuration.socketPermissions,
    groupId,
    listeningFd: service.listeningFd,
    maxConnections,
    handlers: makeHandlers(containers, { store: imageStore, pulls: openPulls(configuration, imageStore, log), named: namedRootFileSystems }),
    clock: systemClock,
    log,
    onAnswered: (type, seconds, code) => metrics?.answered(type, seconds, code),
    onConnected: (client) => containers.references.connect(client),
    onDisconnected: (client) => containers.references.disconnect(client),
  });
  if (configuration.tls !== undefined) {
    tlsPort = new TlsPort({ ...configuration.tls, maxConnections, log, accept: (socket) => listener.accept(socket) });
    listener.addDoor(tlsPort);
  }
  await listener.check();
  let unready: string | undefined = 'starting';
  const { port: healthPort, containerMetrics } = configuration.healthCheck;
  const metrics = healthPort === 0 ? undefined : new Metrics(containers, { restarts: { launcher: () => launcher.restarts, resolver: () => resolver.restarts }, connections: () => listener.connections }, { ofContainers: containerMetrics });
  const health = metrics === undefined ? undefined : new HealthServer({ port: healthPort, unready: () => unready, metrics });
  await health?.listen();

  depot.emptyTrash();
  await adoptContainers(containers);
  imageStore.begin();
  const links = [...containers.all().map((container) => container.link), ...reserveUnknownLinks(containers)];
  for (const link of links) containers.firewall.note(link);
  containers.firewall.afterLoad(() => restoreNetOut(containers));
  await containers.firewall.start();
  await forgetStaleConnections(containers, links);
  void warnOfForeignFirewalls(network.table, log);
  containers.names.begin();
  if (isOpenToAll(network) && nameServersFor(network.dnsServers, () => host.nameServers.list()).length === 0) {
    await resolver.start().catch((error: unknown) => log.error({ err: error }, 'containers have no DNS until the resolver answers'));
  }
  await restoreBandwidthLimits(containers);
  await removeStrayLimits(containers);
  enableForwarding(log);
  await listener.listen();
  await tlsPort?.listen();
  unready = undefined;
  for (const container of containers.all()) containers.references.check(container);
  const removePidfile = configuration.pidfile === null ? undefined : writePidfile(configuration.pidfile);
  service.ready(containers.handles().length);
  log.info({ socket: configuration.socketPath, depot: configuration.depotPath, containers: containers.handles().length }, 'ready');

  const signal = await endSignal();
  unready = 'ending';
  service.stopping();
  log.info({ signal }, 'ending: no new connections, requests under way are finished, containers live on');
  const began = systemClock.now();
  const timeFor = (step: keyof typeof endOf): number => Math.max(0, began + configuration.drainDeadlineMs * endOf[step] - systemClock.now());
  await listener.drain(timeFor('requests'));
  containers.references.stop();
  await withDeadline(systemClock, timeFor('background'), containers.idle(), () => new Error('late')).catch(() => log.warn('leaving work in the background undone: the next start goes on with it'));
  for (const container of containers.all()) {
    try {
      recordState(containers, container);
    } catch (error) {
      log.error({ container: container.id, err: error }, 'the snapshot could not be written');
    }
    container.monitor.close();
  }
  health?.close();
  metrics?.close();
  await resolver.close();
  await withDeadline(systemClock, timeFor('background'), containers.firewall.stop(), () => new Error('late')).catch(() => log.warn('leaving the firewall as it is: the next start loads it'));
  await withDeadline(systemClock, timeFor('trash'), Promise.all([depot.removed(), imageStore.removed()]), () => new Error('late')).catch(() => log.warn('leaving discarded directories to the next start'));
  const isEmpty = containers.handles().length === 0 && !containers.hasQuarantined;
  if (isEmpty) await withDeadline(systemClock, timeFor('disks'), disks.remove(), () => new Error('late')).catch(() => log.warn('leaving the disks\' image to the next start'));
  await launcher.close(timeFor('launcher'));
  if (isEmpty) {
    await firewall.unload();
    cgroups.removeParents();
  }
  removePidfile?.();
  log.info('ended');
}

function socketGroupId(name: string): number {
  try {
    return new LinuxAccounts().owner(`:${name}`).gid;
  } catch (error) {
    throw new WardenError('not_found', `server.unix_domain_group: there is no group ${name} in /etc/group: make it (groupadd --system ${name}), or give a number`, { cause: error });
  }
}

async function limitMemoryOfContainers(cgroups: LinuxCgroups, { memoryReserve, cgroup }: Configuration, log: Log): Promise<void> {
  const [group, root] = [cgroups.parentGroup('memory'), cgroups.rootGroup('memory')];
  if (group === undefined || root === undefined) {
    log.warn({ root: cgroup.root }, 'no memory controller: server.container_memory_reserve and limit_memory have no effect, a container can use all memory of the machine');
    return;
  }
  await limitContainersMemory(group, containersMemory(memoryOfMachine(root), memoryReserve), log);
}

/** Before anybody gets an address or a port: those of containers that an earlier server removed may have connections still. */
async function forgetStaleConnections({ stale, configuration }: Containers, links: readonly LinkDescription[]): Promise<void> {
  await stale.forgetUnused(configuration.network.pool, links.map(({ containerAddress }) => containerAddress));
  await stale.forget();
}

function openImageStore({ depotPath, programsPath, images }: Configuration, launcher: LauncherProcess, log: Log): LinuxImageStore {
  const directory = new StoreDirectory(join(depotPath, 'images'), (staging) => new Trash(staging, (path, names) => launcher.discard(path, names), log));
  const unpack = archiveProgram(join(programsPath, 'archive'), { sizeInBytes: images.extractedLimitInBytes, entries: images.entriesLimit }, systemClock);
  return new LinuxImageStore(directory, unpack, { architecture: goArchitectures[process.arch] ?? process.arch, log });
}

function openPulls({ images }: Configuration, store: LinuxImageStore, log: Log): Pulls {
  const { insecureRegistries, caPath, silenceMs, layerLimitInBytes, imageLimitInBytes } = images;
  return new Pulls(store, new LinuxRegistry({ directory: store.incomingDirectory, insecureRegistries, caPath, silenceMs, layerLimitInBytes, imageLimitInBytes, clock: systemClock, log }), images);
}

function openNamedRootFileSystems({ depotPath }: Configuration, check: (path: string) => void): NamedRootFileSystemsFile {
  const path = join(depotPath, 'rootfs.json');
  return new NamedRootFileSystemsFile({ read: () => readSmallFile(path, namedLimitInBytes), write: (text) => replaceSmallFile(path, text), check });
}

async function startLauncher(launcher: LauncherProcess, { depotPath }: Configuration): Promise<void> {
  try {
    await launcher.start();
  } catch (error) {
    if (error instanceof StepError && error.owner !== undefined) {
      throw new WardenError('exists', `another wardend (pid ${error.owner}) uses the depot ${depotPath}: stop it or set server.container_depot_path`, { cause: error });
    }
    throw error;
  }
}

/**
 * Two servers that shared a table or a parent group would undo each other's work. Held until the process ends. The depot has
 * its lock as well, which knows it by any path.
 */
async function claimNames({ depotPath, socketPath, network, cgroup }: Configuration): Promise<void> {
  const holder = `pid ${process.pid}, depot ${depotPath}, socket ${socketPath}`;
  await claimName({ name: `depot ${depotPath}`, what: `the depot ${depotPath}`, key: 'server.container_depot_path' }, holder);
  await claimName({ name: `table ${network.table}`, what: `the nftables table ${network.table}`, key: 'network.table' }, holder);
  await claimName({ name: `cgroup ${cgroup.parent}`, what: `the cgroup ${cgroup.parent}`, key: 'server.cgroup_parent' }, holder);
}

/** Settles at the first signal that asks for the end; later ones change nothing. */
function endSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR2'] as const) process.on(signal, () => resolve(signal));
  });
}

/** Runs wardend with the arguments behind its name; ends the process. */
export async function main(argv: readonly string[]): Promise<never> {
  const commandLine = parseCommandLine(argv, process.env);
  try {
    switch (commandLine.action) {
      case 'help':
        process.stdout.write(usage);
        break;
      case 'refuse':
        process.stderr.write(`wardend: ${commandLine.reason}\n\n${usage}`);
        return process.exit(2);
      case 'check':
        configurationOf(readLayers(commandLine.sources));
        process.stdout.write('the configuration is right\n');
        break;
      case 'show': {
        const settings = settingsInForce(readLayers(commandLine.sources));
        process.stdout.write(commandLine.json ? `${JSON.stringify(settings, null, 2)}\n` : showSettings(settings, commandLine.origin));
        break;
      }
      case 'serve':
        await serve(commandLine.sources);
    }
    return process.exit(0);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`wardend: ${reason.replaceAll('\n', ' ')}\n`);
    return process.exit(1);
  }
}
