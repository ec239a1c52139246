/**
 * wardend: the composition root; machine/ names the real adapters. Starts in an order in which nothing is
 * touched before it is certain that this server may: configuration, rights, programs, the names that
 * are one server's alone, the depot's lock, the socket; then the containers that live already, the firewall, and last the listening socket.
 */
import { WardenError } from 'warden-protocol';
import { parseCommandLine, usage } from './command-line.js';
import { configurationOf } from './config/load.js';
import { reloadConfiguration } from './config/reload.js';
import { settingsInForce, showSettings } from './config/show.js';
import { readLayers, type Sources } from './config/sources.js';
import { Containers } from './container/containers.js';
import { destroyContainer } from './container/destroy.js';
import { lacksNameServers } from './container/name-servers.js';
import { limitsAbove } from './container/rlimits.js';
import { recordState } from './container/snapshot.js';
import { LinuxAccounts } from './host/linux/accounts.js';
import { growDescriptorTableBeside } from './host/linux/descriptor-table.js';
import { hardLimits, openFileLimit } from './host/linux/preflight.js';
import { SystemdService } from './host/linux/systemd-service.js';
import { withDeadline } from './lib/deadline.js';
import { formatPortRange, portRangesOverlap } from './lib/port.js';
import { systemClock } from './lib/timer.js';
import { openLog } from './log-file.js';
import { openInsecureMachine, requireInsecureMachine } from './machine/insecure.js';
import { openLinuxMachine, requireLinuxMachine } from './machine/linux.js';
import { endOf, type EndStep } from './machine/machine.js';
import { portPoolRange } from './pool/port-pool.js';
import { makeHandlers } from './server/handlers.js';
import { HealthServer } from './server/health-server.js';
import { Listener } from './server/listener.js';
import { Metrics } from './server/metrics.js';
import { writePidfile } from './server/pidfile.js';
import { TlsPort } from './server/tls-port.js';

/** Descriptors that are not clients': log, launcher, depot, and those of containers, two or three each. */
const reservedDescriptors = 64;

async function serve(sources: Sources): Promise<void> {
  let tlsPort: TlsPort | undefined;
  let waiting: Containers['waiting'] | undefined;
  let layers = readLayers(sources);
  const configuration = configurationOf(layers);
  const isInsecure = configuration.kind === 'Insecure';
  (isInsecure ? requireInsecureMachine : requireLinuxMachine)(configuration);
  const groupId = configuration.socketGroup === null ? undefined : socketGroupId(configuration.socketGroup);
  const { log, reopen, attachSyslog } = openLog(configuration.logging);
  const service = new SystemdService({ environment: process.env, pid: process.pid, send: async (path, text) => machine.sendDatagram(path, text), clock: systemClock, log });
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
      waiting?.reconcile();
      log.info({ changed }, 'the configuration was read anew');
      if (needRestart.length > 0) log.warn({ keys: needRestart }, `changed, but in force only after a restart: ${needRestart.join(', ')}`);
    } catch (error) {
      log.error({ err: error }, 'the configuration is not right any more: what was in force stays');
    }
    service.reloaded();
  });
  if (configuration.allowsNested) log.warn('server.allow_nested_warden: root of a container is as good as root of this machine; nobody may create or use containers here who is not trusted with that');
  // Plain processes keep what is not limited as it is.
  for (const { name, hard } of isInsecure ? [] : limitsAbove(configuration.rlimits, hardLimits())) {
    log.warn({ hard: String(hard) }, `server.container_rlimits.${name} is above what wardend itself may have (its hard limit): jobs get that, with an event of their container`);
  }
  const machine = await (isInsecure ? openInsecureMachine : openLinuxMachine)({ configuration, log, attachSyslog, containers: () => containers });
  const { host, jobIds } = machine;
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
    handlers: makeHandlers(containers, machine.images),
    clock: systemClock,
    log,
    onAnswered: (type, seconds, code) => metrics?.answered(type, seconds, code),
    onConnected: (client) => containers.references.connect(client),
    onDisconnected: (client) => containers.references.disconnect(client),
  });
  if (configuration.tls !== undefined) {
    tlsPort = new TlsPort({ ...configuration.tls, maxConnections, clock: systemClock, log, accept: (socket, peer) => listener.accept(socket, peer) });
    listener.addDoor(tlsPort);
  }
  await listener.check();
  let unready: string | undefined = 'starting';
  const { port: healthPort, containerMetrics } = configuration.healthCheck;
  const metrics = healthPort === 0 ? undefined : new Metrics(containers, { restarts: machine.restarts, connections: () => listener.connections }, { ofContainers: containerMetrics });
  const health = metrics === undefined ? undefined : new HealthServer({ port: healthPort, unready: () => unready, metrics });
  await health?.listen();

  await growDescriptorTableBeside(limit, () => machine.begin());
  waiting = containers.waiting;
  waiting.begin();
  await listener.listen();
  await tlsPort?.listen();
  unready = undefined;
  containers.startTimers();
  const removePidfile = configuration.pidfile === null ? undefined : writePidfile(configuration.pidfile);
  service.ready(containers.handles().length);
  log.info({ socket: configuration.socketPath, depot: configuration.depotPath, containers: containers.handles().length }, 'ready');

  const signal = await endSignal();
  unready = 'ending';
  service.stopping();
  log.info({ signal }, 'ending: no new connections, requests under way are finished, containers live on');
  const began = systemClock.now();
  const filled = waiting.stop();
  const timeFor = (step: EndStep): number => Math.max(0, began + configuration.drainDeadlineMs * endOf[step] - systemClock.now());
  await listener.drain(timeFor('requests'));
  containers.stopTimers();
  await withDeadline(systemClock, timeFor('background'), Promise.all([containers.idle(), filled]), () => new Error('late')).catch(() => log.warn('leaving work in the background undone: the next start goes on with it'));
  for (const container of containers.all()) {
    try {
      recordState(containers, container);
    } catch (error) {
      log.error({ container: container.id, err: error }, 'the snapshot could not be written');
    }
    container.monitor.close();
  }
  waiting.close();
  health?.close();
  metrics?.close();
  await machine.end(timeFor);
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
