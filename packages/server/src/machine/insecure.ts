/**
 * A machine for plain processes (server.container_klass: Insecure): no rights are needed, and nothing is isolated. What of host/linux needs no rights is the same:
 * the depot, the way to a monitor, syslog.
 */
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { WardenError } from 'warden-protocol';
import type { Configuration } from '../config/configuration.js';
import { adoptContainers } from '../container/adopt.js';
import type { Host } from '../host/host.js';
import { noBindSources, noCgroups, noCpuLimits, noDisks, noFirewall, noHookPrograms, noLinks, noMemoryLimits, noNameFirewall, noPidsLimits, noResolver, noStatistics, ownCoreDumps } from '../host/insecure/absent.js';
import { InsecureCopies } from '../host/insecure/copies.js';
import { InsecureLauncher } from '../host/insecure/launcher.js';
import { killLeftovers } from '../host/insecure/leftovers.js';
import { InsecureMonitors } from '../host/insecure/monitors.js';
import { ownUser } from '../host/insecure/own-user.js';
import { homePath, onMachine } from '../host/insecure/places.js';
import { removeTree } from '../host/insecure/removal.js';
import { InsecureRootFileSystems } from '../host/insecure/root-file-systems.js';
import { LinuxAccounts } from '../host/linux/accounts.js';
import { LinuxDepot } from '../host/linux/depot.js';
import { depotKindOf, markDepotAsPlain } from '../host/linux/depot-kind.js';
import { claimName } from '../host/linux/exclusive-name.js';
import { LinuxMonitors, monitorSocketPath } from '../host/linux/monitor.js';
import { LinuxNameServers } from '../host/linux/name-servers.js';
import { readBootId, readEphemeralPorts, requireExecutables } from '../host/linux/preflight.js';
import { LinuxSyslog } from '../host/linux/syslog.js';
import { withDeadline } from '../lib/deadline.js';
import { systemClock } from '../lib/timer.js';
import { JobIds } from '../pool/job-ids.js';
import type { Machine, MachineOptions } from './machine.js';

/** In the log, and an event of every container. */
const caution = 'INSECURE: plain processes without isolation or limits (server.container_klass: Insecure)';

/** @throws WardenError saying what is missing, or cannot be had without containers */
export function requireInsecureMachine({ programsPath, hooks }: Configuration): void {
  requireExecutables(programsPath, ['plain-monitor', 'wshd', 'files']);
  if (hooks.programs.length > 0) throw new WardenError('unsupported', 'hooks: plain processes (server.container_klass: Insecure) have none; take them out of the configuration');
}

/** @throws WardenError wrong_state: the containers in it are not plain processes */
function markDepot(depotPath: string): void {
  if (depotKindOf(depotPath) === 'Linux') throw new WardenError('wrong_state', `the depot ${depotPath} is one of Linux containers: plain processes (server.container_klass: Insecure) need their own (server.container_depot_path)`);
  markDepotAsPlain(depotPath);
}

export async function openInsecureMachine({ configuration, log, containers }: MachineOptions): Promise<Machine> {
  const { depotPath, programsPath, socketPath } = configuration;
  const user = ownUser();
  log.warn({ user: user.name }, `${caution}: whoever can use the socket can do on this machine whatever user ${user.name} can, and so can every job`);
  if (user.uid === 0) log.warn({}, 'and the server runs as root: every job is root of this machine; start it as another user');
  if ((configuration.socketPermissions & 0o077) !== 0) log.warn({ permissions: configuration.socketPermissions.toString(8) }, 'server.unix_domain_permissions lets others than the server\'s user use the socket: 0600 keeps them out');
  mkdirSync(depotPath, { recursive: true, mode: 0o700 });
  // However it is spelt: one depot has one server.
  await claimName({ name: `depot ${realpathSync.native(depotPath)}`, what: `the depot ${depotPath}`, key: 'server.container_depot_path' }, `pid ${process.pid}, depot ${depotPath}, socket ${socketPath}`);
  markDepot(depotPath);
  const bootId = readBootId();
  const depot = new LinuxDepot(depotPath, log, {
    bootId,
    now: () => systemClock.now(),
    removeEntries: async (directory, names) => void (await Promise.all(names.map((name) => removeTree(join(directory, name))))),
  });
  depot.prepare();
  const lang = process.env['LANG'] ?? 'en_US.UTF-8';
  const host: Host = {
    plain: { caution },
    launcher: new InsecureLauncher(programsPath, { LANG: lang, USER: user.name, PATH: '/bin:/usr/bin' }, systemClock),
    monitors: new InsecureMonitors(new LinuxMonitors((id) => monitorSocketPath(depot.directoryOf(id)), systemClock, log), (id) => depot.directoryOf(id), user),
    depot,
    disks: noDisks,
    cgroups: noCgroups((id) => killLeftovers(onMachine(depot.directoryOf(id), homePath), systemClock)),
    memory: noMemoryLimits,
    cpu: noCpuLimits,
    pids: noPidsLimits,
    firewall: noFirewall,
    nameFirewall: noNameFirewall,
    resolver: noResolver,
    links: noLinks,
    rootFileSystems: new InsecureRootFileSystems(() => configuration.rootfsPath),
    bindSources: noBindSources,
    hookPrograms: noHookPrograms,
    nameServers: new LinuxNameServers(),
    syslog: new LinuxSyslog(configuration.syslogSocketPath),
    copies: new InsecureCopies(join(programsPath, 'files'), user),
    accounts: new LinuxAccounts(),
    coreDumps: ownCoreDumps,
    statistics: noStatistics,
    clock: systemClock,
    bootId,
    ephemeralPorts: readEphemeralPorts(),
    lang,
  };
  return {
    host,
    images: undefined,
    jobIds: new JobIds(depot.readReservedJobIds(), (below) => depot.writeReservedJobIds(below)),
    restarts: { launcher: () => 0, resolver: () => 0 },
    sendDatagram: async () => {
      throw new WardenError('unsupported', 'datagrams to unix sockets are sent by the launcher of Linux containers: there is none (server.container_klass: Insecure)');
    },
    async begin() {
      depot.emptyTrash();
      await adoptContainers(containers());
      await containers().firewall.start();
    },
    async end(timeFor) {
      await withDeadline(systemClock, timeFor('trash'), depot.removed(), () => new Error('late')).catch(() => log.warn({}, 'leaving discarded directories to the next start'));
    },
  };
}
