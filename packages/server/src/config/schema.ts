/**
 * The configuration file's schema: every key with its type, bounds and default. An unknown key is an error.
 * docs/configuration.md tells what each key does; a test compares the two.
 */
import type * as zod from 'zod';
import { diskBackendNames } from '../lib/disk-backend-names.js';
import { parseIpv4Address, parseIpv4Range } from '../lib/ipv4.js';
import { parsePortRange } from '../lib/port.js';
import { rlimitNames, type RlimitName } from '../lib/rlimit-names.js';
import { z } from '../lib/zod.js';

const uint32 = z.int().min(0).max(0xffff_ffff);
const absolutePath = z
  .string()
  .startsWith('/', 'must be an absolute path')
  .refine((path) => !path.includes('\0'), 'must not contain a NUL byte');
const seconds = z.int().min(0).max(0xffff_ffff);

/** The last name and `/proc/self/fd/NUMBER/` before it have to fit into a socket's address. */
const syslogSocket = absolutePath.refine((path) => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name !== '' && name !== '.' && name !== '..' && Buffer.byteLength(name) <= 80;
}, 'must end in the name of a socket, of at most 80 bytes');

/** Permissions as YAML's octal (0660), or as a string of octal digits ("0660"). */
const permissions = z
  .union([z.int(), z.string().regex(/^0?o?[0-7]{3,4}$/, 'must be octal digits, for example "0660"')])
  .transform((value) => (typeof value === 'number' ? value : Number.parseInt(value.replace('o', ''), 8)))
  .refine((mode) => mode >= 0 && mode <= 0o777, 'must be octal and at most 0777; write it with a leading zero, for example 0660');

const ipv4Address = z.string().refine((text) => parseIpv4Address(text) !== undefined, 'must be an IPv4 address such as 10.254.0.0');
const ipv4Network = z
  .string()
  .refine((text) => parseIpv4Range(text) !== undefined, 'must be an IPv4 address, network or range: 10.0.0.1, 10.0.0.0/8 or 10.0.0.1-10.0.0.9');

/** A list of networks; null (an empty key in YAML) is an empty list, one text is a list of one. */
const ipv4Networks = z
  .union([z.null(), ipv4Network, z.array(ipv4Network)])
  .transform((value) => (value === null ? [] : typeof value === 'string' ? [value] : value));

/** The old server's class names, and ours. */
const containerKlass = z
  .enum(['Warden::Container::Linux', 'Warden::Container::Insecure', 'Linux', 'Insecure'])
  .transform((name) => (name.endsWith('Linux') ? 'Linux' : 'Insecure'));

const rlimit = z.int().min(-1, 'must be a number of the resource\'s unit, or -1 for no limit');

/** Bytes, or a part of the machine's memory: `10%`. */
const memoryReserve = z.union([
  z.int().min(0).max(Number.MAX_SAFE_INTEGER).transform((bytes) => ({ bytes })),
  z.string().regex(/^\d{1,2}(\.\d{1,3})?%$/, 'must be a number of bytes, or a part of the memory such as 10%').transform((text) => ({ part: Number.parseFloat(text) / 100 })),
]);

/** A section whose key stands there with nothing below it is the section's defaults. */
function section<Shape extends zod.ZodRawShape>(shape: Shape) {
  return z.preprocess((value) => value ?? {}, z.strictObject(shape));
}

const rlimits = section(Object.fromEntries(rlimitNames.map((name) => [name, rlimit.optional()])) as Record<RlimitName, zod.ZodOptional<typeof rlimit>>);

const tls = section({
  address: z.string().regex(/^(\[[0-9A-Fa-f:.]+\]|[^:[\]\s]+):[1-9]\d{0,4}$/, 'must be HOST:PORT, for example 192.0.2.1:7777 or [::]:7777').nullable().default(null),
  certificate: absolutePath.nullable().default(null),
  key: absolutePath.nullable().default(null),
  client_ca: absolutePath.nullable().default(null),
});

const server = section({
  unix_domain_path: absolutePath.default('/run/warden/warden.sock'),
  unix_domain_permissions: permissions.default(0o660),
  tls,
  unix_domain_group: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/, 'must be the name or number of a group').nullable().default(null),
  container_klass: containerKlass.default('Linux'),
  container_grace_time: seconds.nullable().default(null),
  container_rootfs_path: absolutePath.default('/var/lib/warden-rootfs/host'),
  container_depot_path: absolutePath.default('/var/lib/warden'),
  container_rlimits: rlimits,
  container_pids_max: z.int().min(4).max(4_194_304).default(1024),
  containers_pids_max: z.int().min(4).max(4_194_304).nullable().default(null),
  container_memory_reserve: memoryReserve.nullable().default(null),
  bind_mount_root: z.boolean().default(true),
  job_output_limit: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(10 * 1024 * 1024),
  quota: section({ disk_quota_enabled: z.boolean().default(true), backend: z.enum(['auto', ...diskBackendNames]).default('auto'), image_size: z.int().min(256 * 1024 * 1024).nullable().default(null) }),
  allow_nested_warden: z.boolean().default(false),
  pidfile: absolutePath.nullable().default(null),
  syslog_socket: syslogSocket.nullable().default(null),
  cgroup_parent: z
    .string()
    .regex(/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/, 'must be one directory name of letters, digits, dots, - and _')
    .default('warden'),
  cgroup_version: z.enum(['auto', 'v1', 'v2']).default('auto'),
  cgroup_root: absolutePath.default('/sys/fs/cgroup'),
  programs_path: absolutePath.nullable().default(null),
  create_deadline: z.number().min(0.1).max(600).default(30),
  stop_deadline: z.number().min(0.1).max(600).default(10),
  drain_deadline: z.number().min(0.1).max(600).default(9),
});

const healthCheckServer = section({
  port: z.int().min(0).max(65535).default(2345),
  container_metrics: z.boolean().default(false),
});

const logging = section({
  level: z
    .enum(['off', 'fatal', 'error', 'warn', 'info', 'debug', 'debug1', 'debug2', 'all', 'trace', 'silent'])
    .default('info'),
  file: absolutePath.nullable().default(null),
  syslog: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be a name of at most 64 letters, digits, `.`, `_` and `-`').nullable().default(null),
});

const network = section({
  pool_network: z
    .string()
    .refine((text) => text.includes('/') && parseIpv4Range(text) !== undefined, 'must be an IPv4 network such as 10.254.0.0/22')
    .default('10.254.0.0/22'),
  pool_start_address: ipv4Address.optional(),
  pool_size: z.int().min(1).max(1 << 22).optional(),
  deny_networks: ipv4Networks.default([]),
  allow_networks: ipv4Networks.default([]),
  allow_host_access: z.boolean().default(false),
  connection_limit: z.int().min(0).max(0xffff_ffff).default(1024),
  connection_rate: z.int().min(0).max(1_000_000).default(1000),
  mtu: z.int().min(68).max(65535).default(1500),
  release_delay: z.number().min(0).max(86_400).default(5),
  dns_servers: z
    .union([z.null(), z.array(ipv4Address).max(16)])
    .transform((value) => value ?? [])
    .default([]),
  table: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_]{0,31}$/, 'must be a letter and up to 31 letters, digits and _')
    .default('warden'),
});

const port = section({
  pool_start_port: z.int().min(1).max(65535).optional(),
  pool_size: z.int().min(1).max(65535).optional(),
  own_ports: z
    .string()
    .refine((text) => parsePortRange(text) !== undefined, 'must be a port or a range of ports such as 1024-65535')
    .nullable()
    .default('1-65535'),
});

const user = section({
  pool_start_uid: uint32.default(10_000),
  pool_size: z.int().min(1).max(65_534).default(256),
  pool_start_subuid: uint32.default(0x2000_0000),
});

/** HOST or HOST:PORT. */
const registryHost = z.string().regex(/^(?:\[[0-9a-f:]{2,39}\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::[1-9]\d{0,4})?$/i, 'must be HOST or HOST:PORT');

const images = section({
  default_registry: registryHost.nullable().default(null),
  insecure_registries: z
    .union([z.null(), z.array(registryHost).max(64)])
    .transform((value) => value ?? [])
    .default([]),
  registry_ca: absolutePath.nullable().default(null),
  parallel_layers: z.int().min(1).max(16).default(3),
  pull_timeout: z.number().min(0.1).max(600).default(30),
  max_layer_size: z.int().min(1).max(Number.MAX_SAFE_INTEGER).default(10 * 1024 ** 3),
  max_image_size: z.int().min(1).max(Number.MAX_SAFE_INTEGER).default(20 * 1024 ** 3),
  max_extracted_size: z.int().min(1024 * 1024).max(Number.MAX_SAFE_INTEGER).default(16 * 1024 * 1024 * 1024),
  max_entries: z.int().min(1000).max(0x7fff_ffff).default(1_000_000),
});

/** A program, or one with arguments and the seconds that it may take. */
const hook = z.union([
  absolutePath.transform((program) => ({ program, args: [], timeout: 10 })),
  z.strictObject({
    program: absolutePath,
    args: z.array(z.string().max(4096).refine((text) => !text.includes('\0'), 'must not contain a NUL byte')).max(63).default([]),
    timeout: z.number().min(0.001).max(600).default(10),
  }),
]);
const hookList = z.union([z.null(), z.array(hook).max(4)]).transform((value) => value ?? []).default([]);

const hooks = section({
  parent_before_clone: hookList,
  parent_after_clone: hookList,
  child_before_pivot: hookList,
  child_after_pivot: hookList,
  programs_path: absolutePath.nullable().default(null),
});

/** As a create names one: a directory, `image:` with an image's name or id, or a name that a directory was given. */
const rootfs = z
  .string()
  .regex(/^(?:\/[^\0]{0,4094}|image:[A-Za-z0-9[][^\s]{0,1023}|[A-Za-z0-9][A-Za-z0-9._-]{0,127})$/, 'must be a path, image:NAME, or the name of a root file system');
const poolSize = z.int().min(0).max(4096);

const pool = section({
  size: poolSize.default(0),
  rootfs: rootfs.nullable().default(null),
  others: z
    .array(z.strictObject({ size: poolSize, rootfs }))
    .max(16)
    .nullable()
    .transform((value) => value ?? [])
    .default([]),
});

const files = section({
  copy_entries_max: z.int().min(1).max(Number.MAX_SAFE_INTEGER).default(10_000_000),
  copy_bytes_max: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(1024 ** 4),
  transfers_max: z.int().min(1).max(64).default(64),
  tar_entries_max: z.int().min(1).max(Number.MAX_SAFE_INTEGER).default(1_000_000),
  tar_bytes_max: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(1024 ** 4),
});

/** The whole file. */
export const configurationSchema = section({ server, health_check_server: healthCheckServer, logging, network, port, user, images, hooks, files, pool });

/** The file as it was checked, with its defaults filled in; keys are those of the file. */
export type ConfigurationFile = zod.output<typeof configurationSchema>;
