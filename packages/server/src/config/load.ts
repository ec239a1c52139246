/**
 * From settings to a Configuration: join their sources, check them against the schema, check what concerns
 * several keys at once, change names and units. Everything but loadConfiguration is pure.
 */
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { hookPoints } from '../lib/hook-points.js';
import { formatIpv4Address, parseIpv4Address, parseIpv4Range, type Ipv4Range } from '../lib/ipv4.js';
import { lastPort, parsePortRange } from '../lib/port.js';
import { rlimitNames, type RlimitName } from '../lib/rlimit-names.js';
import type { Configuration } from './configuration.js';
import { ConfigurationError } from './configuration-error.js';
import { mergeLayers, type Layer } from './layers.js';
import { configurationSchema, type ConfigurationFile } from './schema.js';
import { layerOf, readLayers } from './sources.js';

/** sizeof(sun_path) is 108 with its terminating NUL: unix(7). */
const socketPathLimitInBytes = 107;
/** A container's socket below the depot; its id always has 11 characters. */
const monitorSocketSuffix = '/containers/00000000000/run/monitor.sock';
/** The socket is bound in a temporary directory beside its place. */
const temporarySocketSuffix = '/.w000000/s';
const subuidRangeSize = 65_536;

/** Directory of the native programs of this checkout, found from this file's place in packages/server/dist/config. */
const builtProgramsPath = fileURLToPath(new URL('../../../../native/build/release', import.meta.url));

/**
 * Reads and checks a configuration file alone.
 * @throws ConfigurationError naming the file and the key.
 */
export function loadConfiguration(path: string): Configuration {
  return configurationOf(readLayers({ configPath: path, settings: [], environment: {} }));
}

/**
 * Checks the text of a configuration file.
 * @param source what to call the text in errors
 */
export function parseConfiguration(text: string, source: string): Configuration {
  return configurationOf([layerOf(text, source)]);
}

/** Joins and checks settings. @throws ConfigurationError naming source and key */
export function configurationOf(layers: readonly Layer[]): Configuration {
  return toConfiguration(checkLayers(layers));
}

/** The same in the terms of the file, defaults filled in. */
export function checkLayers(layers: readonly Layer[]): ConfigurationFile {
  const merged = mergeLayers(layers);
  const all = layers.map(({ origin }) => origin).join(', ');
  const checked = configurationSchema.safeParse(merged.settings);
  if (!checked.success) {
    const bySource = new Map<string, string[]>();
    for (const { path, text } of checked.error.issues.flatMap(mistakesOf)) {
      const source = merged.originOf(path) ?? all;
      bySource.set(source, [...(bySource.get(source) ?? []), text]);
    }
    throw new ConfigurationError([...bySource].map(([source, mistakes]) => `${source}: ${mistakes.join('; ')}`).join('; '));
  }
  const mistakes = crossKeyMistakes(checked.data);
  if (mistakes.length > 0) throw new ConfigurationError(`${all}: ${mistakes.join('; ')}`);
  return checked.data;
}

/** What a person has to mend, each with the key that it is about. */
function mistakesOf(issue: z.core.$ZodIssue): { readonly path: readonly PropertyKey[]; readonly text: string }[] {
  const name = issue.path.map(String).join('.');
  if (issue.code !== 'unrecognized_keys') {
    return [{ path: issue.path, text: name === '' ? `the file must be a mapping of sections: ${issue.message}` : `${name}: ${issue.message}` }];
  }
  return issue.keys.map((key) => ({ path: [...issue.path, key], text: `unknown key ${name === '' ? key : `${name}.${key}`}` }));
}

/** Mistakes that no key shows alone. */
function crossKeyMistakes(file: ConfigurationFile): string[] {
  const mistakes: string[] = [];
  const { server, network, port, user } = file;
  const temporary = `${dirname(server.unix_domain_path)}${temporarySocketSuffix}`;
  const socketBytes = Math.max(Buffer.byteLength(server.unix_domain_path), Buffer.byteLength(temporary));
  if (socketBytes > socketPathLimitInBytes) {
    mistakes.push(`server.unix_domain_path: ${socketBytes} bytes are too long for a unix socket, the limit is ${socketPathLimitInBytes}`);
  }
  const depotLimit = socketPathLimitInBytes - Buffer.byteLength(monitorSocketSuffix);
  const depotBytes = Buffer.byteLength(server.container_depot_path);
  if (depotBytes > depotLimit) {
    mistakes.push(
      `server.container_depot_path: ${depotBytes} bytes are too long, the limit is ${depotLimit}, because each container has a unix socket below it (limit ${socketPathLimitInBytes} bytes)`,
    );
  }
  const tlsKeys = ['address', 'certificate', 'key', 'client_ca'] as const;
  const missing = tlsKeys.filter((key) => server.tls[key] === null);
  if (missing.length > 0 && missing.length < tlsKeys.length) {
    mistakes.push(`server.tls: ${missing.join(', ')} missing: a TCP port needs all of ${tlsKeys.join(', ')}, because only clients with a certificate may use it`);
  } else if (server.tls.address !== null && Number(server.tls.address.slice(server.tls.address.lastIndexOf(':') + 1)) > lastPort) {
    mistakes.push(`server.tls.address: the last port is ${lastPort}`);
  }
  if ((network.pool_start_address === undefined) !== (network.pool_size === undefined)) {
    mistakes.push('network.pool_start_address and network.pool_size belong together: set both, or use network.pool_network');
  } else {
    const pool = poolRange(file);
    if (pool.last > 0xffff_ffff) mistakes.push('network.pool_size: the pool runs beyond 255.255.255.255');
    else if (pool.last - pool.first + 1 < 4) mistakes.push('network.pool_network: must hold at least one /30');
    if (pool.first % 4 !== 0) mistakes.push(`network.pool_start_address: ${formatIpv4Address(pool.first)} is not the start of a /30`);
  }
  if ((port.pool_start_port ?? 1) + (port.pool_size ?? 1) - 1 > lastPort) {
    mistakes.push(`port.pool_size: the pool runs beyond port ${lastPort}`);
  }
  if (user.pool_start_uid < 1 || user.pool_start_uid + user.pool_size > 65_535) {
    mistakes.push('user.pool_start_uid, user.pool_size: the uids must lie between 1 and 65534, because a container has ids up to 65535');
  }
  const lastSubuid = user.pool_start_subuid + user.pool_size * subuidRangeSize - 1;
  if (user.pool_start_subuid < subuidRangeSize || user.pool_start_subuid % subuidRangeSize !== 0 || lastSubuid > 0xffff_fffe) {
    mistakes.push('user.pool_start_subuid: must be a multiple of 65536, at least 65536, with room for 65536 ids for each of user.pool_size below 2^32 - 1');
  }
  return [...mistakes, ...poolMistakes(file)];
}

function poolMistakes({ server, hooks, pool }: ConfigurationFile): string[] {
  const sized = poolsOf({ pool });
  if (sized.length === 0) return [];
  const mistakes: string[] = [];
  if (server.container_klass === 'Insecure') mistakes.push('pool: plain processes (server.container_klass: Insecure) are not made in advance; leave pool.size out');
  const [point] = hookPoints.filter((each) => hooks[each].length > 0);
  if (point !== undefined) mistakes.push(`pool: a container made in advance has no handle yet that hooks.${point} could be told; leave out one of the two`);
  const roots = sized.map(({ rootfs }) => rootfs ?? resolve(server.container_rootfs_path));
  const twice = roots.find((rootfs, index) => roots.indexOf(rootfs) !== index);
  if (twice !== undefined) mistakes.push(`pool.others: ${twice} is there twice`);
  return mistakes;
}

function poolsOf({ pool }: Pick<ConfigurationFile, 'pool'>): Configuration['pools'] {
  return [{ size: pool.size, rootfs: pool.rootfs ?? undefined }, ...pool.others].filter(({ size }) => size > 0);
}

function poolRange({ network }: ConfigurationFile): Ipv4Range {
  if (network.pool_start_address !== undefined && network.pool_size !== undefined) {
    const first = parseIpv4Address(network.pool_start_address) ?? 0;
    return { first, last: first + network.pool_size * 4 - 1 };
  }
  return parseIpv4Range(network.pool_network) ?? { first: 0, last: 0 };
}

/** Plain processes have no addresses of their own: those of 127.0.0.0/8 are all the machine's, and can be listened on without rights. */
function onLoopback({ first, last }: Ipv4Range): Ipv4Range {
  const [size, loopback] = [2 ** 24, 127 * 2 ** 24];
  const offset = first % size;
  return { first: loopback + offset, last: loopback + Math.min(offset + last - first, size - 1) };
}

function ranges(networks: readonly string[]): Ipv4Range[] {
  return networks.map(parseIpv4Range).filter((range) => range !== undefined);
}

/** Undefined: no TCP port. crossKeyMistakes has seen to it that nothing is missing. */
function tlsOf({ address, certificate, key, client_ca }: ConfigurationFile['server']['tls']): Configuration['tls'] {
  if (address === null || certificate === null || key === null || client_ca === null) return undefined;
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1)), files: { certificate, key, clientCa: client_ca } };
}

/** The old server's level names in ours. */
const logLevels: Readonly<Record<string, string>> = { off: 'silent', debug1: 'trace', debug2: 'trace', all: 'trace' };

function toConfiguration(file: ConfigurationFile): Configuration {
  const { server, network, port, user, logging, images, files } = file;
  const isInsecure = server.container_klass === 'Insecure';
  const rlimits = new Map<RlimitName, number>();
  for (const name of rlimitNames) {
    const value = server.container_rlimits[name];
    if (value !== undefined) rlimits.set(name, value);
    // The kernel counts them for each user, and here that is everybody's.
    else if (isInsecure && (name === 'nproc' || name === 'sigpending')) rlimits.set(name, -1);
  }
  return {
    kind: server.container_klass,
    // Paths are made plain, without `..` and double slashes: the launcher takes no others.
    socketPath: resolve(server.unix_domain_path),
    socketPermissions: server.unix_domain_permissions,
    socketGroup: server.unix_domain_group,
    tls: tlsOf(server.tls),
    defaultGraceTimeMs: server.container_grace_time === null ? null : server.container_grace_time * 1000,
    rootfsPath: resolve(server.container_rootfs_path),
    depotPath: resolve(server.container_depot_path),
    mapsRootInBindMounts: server.bind_mount_root,
    hooks: {
      programs: hookPoints.flatMap((point) => file.hooks[point].map(({ program, args, timeout }) => ({ point, command: [resolve(program), ...args], timeoutMs: timeout * 1000 }))),
      directory: file.hooks.programs_path === null ? undefined : resolve(file.hooks.programs_path),
    },
    pools: poolsOf(file),
    rlimits,
    pidsMax: server.container_pids_max,
    totalPidsMax: server.containers_pids_max ?? undefined,
    memoryReserve: server.container_memory_reserve,
    disk: { backend: server.quota.disk_quota_enabled ? server.quota.backend : 'none', imageSizeInBytes: server.quota.image_size },
    allowsNested: server.allow_nested_warden,
    jobOutputLimitInBytes: server.job_output_limit,
    pidfile: server.pidfile,
    syslogSocketPath: resolve(server.syslog_socket ?? '/dev/log'),
    cgroup: { parent: server.cgroup_parent, version: server.cgroup_version, root: resolve(server.cgroup_root) },
    programsPath: resolve(server.programs_path ?? builtProgramsPath),
    createDeadlineMs: server.create_deadline * 1000,
    stopDeadlineMs: server.stop_deadline * 1000,
    drainDeadlineMs: server.drain_deadline * 1000,
    healthCheck: { port: file.health_check_server.port, containerMetrics: file.health_check_server.container_metrics },
    logging: { level: logLevels[logging.level] ?? logging.level, file: logging.file, syslog: logging.syslog },
    network: {
      pool: isInsecure ? onLoopback(poolRange(file)) : poolRange(file),
      denied: ranges(network.deny_networks),
      allowed: ranges(network.allow_networks),
      allowHostAccess: network.allow_host_access,
      connectionLimit: network.connection_limit,
      connectionRate: network.connection_rate,
      mtu: network.mtu,
      releaseDelayMs: network.release_delay * 1000,
      dnsServers: network.dns_servers,
      table: network.table,
    },
    port: { startPort: port.pool_start_port, size: port.pool_size, own: port.own_ports === null ? undefined : parsePortRange(port.own_ports) },
    user: { startUid: user.pool_start_uid, size: user.pool_size, startSubuid: user.pool_start_subuid },
    images: {
      defaultRegistry: images.default_registry ?? undefined,
      insecureRegistries: images.insecure_registries,
      caPath: images.registry_ca === null ? undefined : resolve(images.registry_ca),
      parallelLayers: images.parallel_layers,
      silenceMs: images.pull_timeout * 1000,
      layerLimitInBytes: images.max_layer_size,
      imageLimitInBytes: images.max_image_size,
      extractedLimitInBytes: images.max_extracted_size,
      entriesLimit: images.max_entries,
    },
    files: {
      copyEntriesMax: files.copy_entries_max,
      copyBytesMax: files.copy_bytes_max,
      transfersMax: files.transfers_max,
      tarEntriesMax: files.tar_entries_max,
      tarBytesMax: files.tar_bytes_max,
    },
  };
}
