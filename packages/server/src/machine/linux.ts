/**
 * A machine for Linux containers: every adapter of host/linux, put together. Nothing is touched before it is certain that this server may: the names
 * that are one server's alone are claimed first, then the depot's lock is taken.
 */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { WardenError } from 'warden-protocol';
import type { Configuration } from '../config/configuration.js';
import { adoptContainers } from '../container/adopt.js';
import { removeStrayLimits, restoreBandwidthLimits } from '../container/bandwidth.js';
import { writableSources } from '../container/bind-mounts.js';
import type { Containers } from '../container/containers.js';
import { isOpenToAll } from '../container/name-policy.js';
import { nameServersFor } from '../container/name-servers.js';
import { restoreNetOut } from '../container/net-out.js';
import { forwardsOf } from '../container/port-mapping.js';
import { reserveUnknownLinks } from '../container/quarantine.js';
import type { LinkDescription } from '../host/container-description.js';
import type { Host } from '../host/host.js';
import { LinuxAccounts } from '../host/linux/accounts.js';
import { LinuxBindSources } from '../host/linux/bind-sources.js';
import { LinuxCgroups } from '../host/linux/cgroups.js';
import { containersMemory, limitContainersMemory, memoryOfMachine } from '../host/linux/containers-memory.js';
import { LinuxCoreDumps } from '../host/linux/core-dumps.js';
import { LinuxDepot } from '../host/linux/depot.js';
import { LinuxCpuLimits } from '../host/linux/cpu-limits.js';
import { depotKindOf } from '../host/linux/depot-kind.js';
import { claimName } from '../host/linux/exclusive-name.js';
import { diskBackends, LinuxDisks } from '../host/linux/disks.js';
import { LinuxFirewall } from '../host/linux/firewall.js';
import { warnOfForeignFirewalls } from '../host/linux/foreign-firewall.js';
import { LinuxHookPrograms, requireHookProgram } from '../host/linux/hook-programs.js';
import { LinuxHostLinks } from '../host/linux/host-links.js';
import { LauncherProcess } from '../host/linux/launcher.js';
import { prepareLocaleArchive } from '../host/linux/locale-archive.js';
import { LinuxMemoryLimits } from '../host/linux/memory-limits.js';
import { LinuxMonitors, monitorSocketPath } from '../host/linux/monitor.js';
import { LinuxNameFirewall } from '../host/linux/name-firewall.js';
import { LinuxNameServers } from '../host/linux/name-servers.js';
import { LinuxStatistics } from '../host/linux/statistics.js';
import { LinuxSyslog } from '../host/linux/syslog.js';
import { LinuxPidsLimits } from '../host/linux/pids-limits.js';
import { kernelProcessLimit, totalPidsMax } from '../host/linux/process-numbers.js';
import { enableForwarding, readBootId, readEphemeralPorts, requirePrograms, requireRoot } from '../host/linux/preflight.js';
import { LinuxRegistry } from '../host/linux/registry-process.js';
import { ResolverProcess } from '../host/linux/resolver-process.js';
import { LinuxRootFileSystems } from '../host/linux/root-file-systems.js';
import { Trash } from '../host/linux/trash.js';
import { readSmallFile, replaceSmallFile } from '../host/linux/small-file.js';
import { StepError } from '../host/linux/step-error.js';
import { leadsOutOf, ledOut, type LeadsOutOf } from '../host/linux/writable-places.js';
import { archiveProgram } from '../image/archive-program.js';
import { LinuxImageStore } from '../image/linux-image-store.js';
import { NamedRootFileSystemsFile } from '../image/named-root-file-systems.js';
import { Pulls } from '../image/pulls.js';
import { StoreDirectory } from '../image/store-directory.js';
import { withDeadline } from '../lib/deadline.js';
import type { Log } from '../lib/log.js';
import { systemClock } from '../lib/timer.js';
import { JobIds } from '../pool/job-ids.js';
import type { Machine, MachineOptions } from './machine.js';

/** Node's names of processors as images have them. */
const goArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', ia32: '386' };
const namedLimitInBytes = 8 * 1024 * 1024;

/** Rights and programs; nothing is opened. @throws WardenError saying what is missing */
export function requireLinuxMachine({ programsPath, hooks }: Configuration): void {
  requireRoot();
  requirePrograms(programsPath);
  for (const { point, command: [program = ''] } of hooks.programs) {
    requireHookProgram(program, () => new WardenError('not_found', `hooks.${point}: there is no program ${program}`));
  }
}

export async function openLinuxMachine({ configuration, log, attachSyslog, containers }: MachineOptions): Promise<Machine> {
  await claimNames(configuration);
  if (depotKindOf(configuration.depotPath) === 'Insecure') {
    throw new WardenError('wrong_state', `the depot ${configuration.depotPath} is one of plain processes (server.container_klass: Insecure): Linux containers need their own (server.container_depot_path)`);
  }
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
    localeArchive: await prepareLocaleArchive(configuration.depotPath, log),
    deviceCgroups: cgroups.deviceParents(),
    allDevices: configuration.allowsNested,
    firewall: { table: configuration.network.table, changed: (change) => containers().firewall.changed(change) },
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
  const firewall = new LinuxFirewall({ ...network }, systemClock, { names: () => containers().names.state(resolver.port), forwards: () => forwardsOf(containers().all()) });
  const nameFirewall = new LinuxNameFirewall(network.table);
  const resolver = new ResolverProcess({
    servers: network.dnsServers,
    clock: systemClock,
    log,
    announce: (port, before, done) => containers().firewall.change(() => launcher.changeFirewall(nameFirewall.resolver(port, before)).then(done)),
    open: (client, name, found) => containers().names.open(client, name, found),
  });
  if (syslog.lacksDirectory()) {
    log.warn({ socket: syslog.socketPath() }, 'the directory of syslog\'s socket (server.syslog_socket) does not exist: lines of jobs with a log_tag go nowhere in containers that are made before it does');
  }
  const ledOutOf = (path: string, real: string): string | undefined => (path === real ? undefined : leadsOutOf(path, real, writableSources(containers())));
  const imageStore = openImageStore(configuration, launcher, log, ledOutOf);
  const namedRootFileSystems = openNamedRootFileSystems(configuration, (path) => rootFileSystems.open(path));
  const rootFileSystems: LinuxRootFileSystems = new LinuxRootFileSystems(depotPath, imageStore, (name) => namedRootFileSystems.pathOf(name), ledOutOf);
  const host: Host = {
    launcher,
    monitors: new LinuxMonitors((id) => monitorSocketPath(depot.directoryOf(id)), systemClock, log),
    depot,
    disks,
    cgroups,
    memory: new LinuxMemoryLimits((id) => cgroups.groupOf(id, 'memory')),
    cpu: new LinuxCpuLimits(cgroups),
    pids: new LinuxPidsLimits(cgroups),
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
  return {
    host,
    images: { store: imageStore, pulls: openPulls(configuration, imageStore, log), named: namedRootFileSystems },
    jobIds: new JobIds(depot.readReservedJobIds(), (below) => depot.writeReservedJobIds(below)),
    restarts: { launcher: () => launcher.restarts, resolver: () => resolver.restarts },
    sendDatagram: (path, text) => launcher.sendDatagram(path, text),
    async begin() {
      const server = containers();
      depot.emptyTrash();
      await adoptContainers(server);
      imageStore.begin();
      const links = [...server.all().map((container) => container.link), ...server.waiting.links(), ...reserveUnknownLinks(server)];
      for (const link of links) server.firewall.note(link);
      server.firewall.afterLoad(() => restoreNetOut(server));
      await server.firewall.start();
      await forgetStaleConnections(server, links);
      void warnOfForeignFirewalls(network.table, log);
      server.names.begin();
      if (isOpenToAll(network) && nameServersFor(network.dnsServers, () => host.nameServers.list()).length === 0) {
        await resolver.start().catch((error: unknown) => log.error({ err: error }, 'containers have no DNS until the resolver answers'));
      }
      await restoreBandwidthLimits(server);
      await removeStrayLimits(server);
      enableForwarding(log);
    },
    async end(timeFor) {
      const server = containers();
      await resolver.close();
      await withDeadline(systemClock, timeFor('background'), server.firewall.stop(), () => new Error('late')).catch(() => log.warn({}, 'leaving the firewall as it is: the next start loads it'));
      await withDeadline(systemClock, timeFor('trash'), Promise.all([depot.removed(), imageStore.removed()]), () => new Error('late')).catch(() => log.warn({}, 'leaving discarded directories to the next start'));
      const isEmpty = server.handles().length === 0 && server.waiting.count === 0 && !server.hasQuarantined;
      if (isEmpty) await withDeadline(systemClock, timeFor('disks'), disks.remove(), () => new Error('late')).catch(() => log.warn({}, 'leaving the disks\' image to the next start'));
      await launcher.close(timeFor('launcher'));
      if (isEmpty) {
        await firewall.unload();
        cgroups.removeParents();
      }
    },
  };
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

function openImageStore({ depotPath, programsPath, images }: Configuration, launcher: LauncherProcess, log: Log, ledOutOf: LeadsOutOf): LinuxImageStore {
  const directory = new StoreDirectory(join(realpathSync.native(depotPath), 'images'), (staging) => new Trash(staging, (path, names) => launcher.discard(path, names), log));
  const unpack = archiveProgram(join(programsPath, 'archive'), { sizeInBytes: images.extractedLimitInBytes, entries: images.entriesLimit }, systemClock);
  return new LinuxImageStore(directory, unpack, {
    architecture: goArchitectures[process.arch] ?? process.arch,
    log,
    reasonAgainst(path, real) {
      const left = ledOutOf(path, real);
      return left === undefined ? undefined : ledOut(left);
    },
  });
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

