import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatIpv4Range } from '../lib/ipv4.js';
import { ConfigurationError } from './configuration-error.js';
import { loadConfiguration, parseConfiguration } from './load.js';
import { configurationSchema } from './schema.js';

/** A file as installations of the old server have it: Ruby class name, octal permissions, ~ and empty sections. */
const oldFile = `---
server:
  container_klass: Warden::Container::Linux
  container_grace_time: 300
  unix_domain_permissions: 0777
  unix_domain_path: /tmp/warden.sock
  container_rootfs_path: /tmp/warden/rootfs
  container_depot_path: /tmp/warden/containers
  container_rlimits:
    as: 4294967296
    nofile: 8192
    nproc: 512
  quota:
    disk_quota_enabled: true
  allow_nested_warden: false
  pidfile: ~
health_check_server:
  port: 2345
logging:
  level: debug2
network:
  pool_start_address: 10.254.0.0
  pool_size: 256
  mtu: 1500
  deny_networks:
    - 169.254.0.0/16
  allow_networks: [ ]
user:
  pool_start_uid: 10000
  pool_size: 256
port:
`;

function refusalOf(text: string): string {
  try {
    parseConfiguration(text, 'test.yml');
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.message;
  }
  return assert.fail(`was accepted: ${text}`);
}

test('an old file loads unchanged', () => {
  const configuration = parseConfiguration(oldFile, 'old.yml');
  assert.equal(configuration.socketPermissions, 0o777);
  assert.equal(configuration.defaultGraceTimeMs, 300_000);
  assert.equal(configuration.rlimits.get('as'), 4_294_967_296);
  assert.equal(formatIpv4Range(configuration.network.pool), '10.254.0.0-10.254.3.255');
  assert.equal(formatIpv4Range(configuration.network.denied[0]!), '169.254.0.0-169.254.255.255');
  assert.equal(configuration.logging.level, 'trace');
  assert.equal(configuration.pidfile, null);
  assert.deepEqual(configuration.disk, { backend: 'auto', imageSizeInBytes: null });
});

test('plain processes have addresses of 127.0.0.0/8, and no default limits that the kernel counts for each user', () => {
  const configuration = parseConfiguration('server: {container_klass: "Warden::Container::Insecure", container_rlimits: {nproc: 100}}', 'test.yml');
  assert.equal(configuration.kind, 'Insecure');
  assert.equal(formatIpv4Range(configuration.network.pool), '127.254.0.0-127.254.3.255');
  assert.deepEqual([configuration.rlimits.get('nproc'), configuration.rlimits.get('sigpending')], [100, -1]);
  const large = parseConfiguration('{server: {container_klass: Insecure}, network: {pool_network: 10.255.255.0/23}}', 'test.yml');
  assert.equal(formatIpv4Range(large.network.pool), '127.255.254.0-127.255.255.255');
  assert.equal(parseConfiguration('server: {container_klass: Linux}', 'test.yml').kind, 'Linux');
});

test('an empty file is the defaults', () => {
  const configuration = parseConfiguration('', 'empty.yml');
  assert.equal(configuration.socketPath, '/run/warden/warden.sock');
  assert.equal(configuration.socketPermissions, 0o660);
  assert.equal(configuration.depotPath, '/var/lib/warden');
  assert.equal(configuration.rootfsPath, '/var/lib/warden-rootfs/host', 'not in the depot');
  assert.equal(configuration.defaultGraceTimeMs, null);
  assert.equal(configuration.jobOutputLimitInBytes, 10 * 1024 * 1024);
  assert.deepEqual([configuration.pidsMax, configuration.totalPidsMax], [1024, undefined]);
  assert.deepEqual(configuration.healthCheck, { port: 2345, containerMetrics: false });
  assert.equal(configuration.network.releaseDelayMs, 5000);
});

test('a memory reserve is bytes or a part', () => {
  const reserve = (value: string): unknown => parseConfiguration(`server: { container_memory_reserve: ${value} }`, 'x.yml').memoryReserve;
  assert.deepEqual([reserve('null'), reserve('0'), reserve('1073741824'), reserve('10%'), reserve('"2.5%"')], [null, { bytes: 0 }, { bytes: 1_073_741_824 }, { part: 0.1 }, { part: 0.025 }]);
  for (const wrong of ['-1', '1.5', '"10"', '101%', '100%', '1G', '"-1%"', 'true']) assert.throws(() => reserve(wrong), /server\.container_memory_reserve/, wrong);
});

test('containers are fully confined unless a wardend is to run in them', () => {
  const allowsNested = (text: string): boolean => parseConfiguration(text, 't').allowsNested;
  assert.deepEqual([allowsNested(''), allowsNested('server: {allow_nested_warden: true}')], [false, true]);
});

test('ports: the pool\'s, and those that clients may choose', () => {
  assert.deepEqual(parseConfiguration('port:', 't').port, { startPort: undefined, size: undefined, own: { first: 1, last: 65_535 } });
  assert.deepEqual(parseConfiguration('port: {pool_start_port: 61001, pool_size: 9, own_ports: "1024-2000"}', 't').port, { startPort: 61_001, size: 9, own: { first: 1024, last: 2000 } });
  assert.equal(parseConfiguration('port: {own_ports: ~}', 't').port.own, undefined);
});

test('disk limits: whether, by which backend, and how large an image is', () => {
  const diskOf = (quota: string) => parseConfiguration(`server: {quota: ${quota}}`, 't').disk;
  assert.deepEqual(diskOf('{}'), { backend: 'auto', imageSizeInBytes: null });
  assert.deepEqual(diskOf('{disk_quota_enabled: false, backend: btrfs}'), { backend: 'none', imageSizeInBytes: null });
  assert.deepEqual(diskOf('{backend: btrfs, image_size: 1073741824}'), { backend: 'btrfs', imageSizeInBytes: 2 ** 30 });
  assert.match(refusalOf('server: {quota: {backend: zfs}}'), /server\.quota\.backend/);
  assert.match(refusalOf('server: {quota: {image_size: 1000}}'), /server\.quota\.image_size/);
});

test('containers made in advance: off, of one root file system or several, and what they do not go with', () => {
  const poolsOf = (text: string) => parseConfiguration(text, 't').pools;
  assert.deepEqual([poolsOf(''), poolsOf('pool: {size: 0, others: null}')], [[], []]);
  assert.deepEqual(poolsOf('pool: {size: 2, others: [{size: 4, rootfs: "image:build"}, {size: 0, rootfs: none}]}'), [{ size: 2, rootfs: undefined }, { size: 4, rootfs: 'image:build' }]);
  assert.deepEqual(poolsOf('pool: {others: [{size: 1, rootfs: /a}]}'), [{ size: 1, rootfs: '/a' }]);
  const refused: [string, RegExp][] = [
    ['pool: {size: 4097}', /pool\.size/],
    ['pool: {size: 1, rootfs: relative/path}', /pool\.rootfs: must be a path/],
    ['pool: {others: [{size: 1}]}', /pool\.others\.0\.rootfs/],
    ['pool: {others: [{size: 1, rootfs: /a, more: 1}]}', /unknown key pool\.others\.0\.more/],
    ['server: {container_rootfs_path: /a}\npool: {size: 1, others: [{size: 1, rootfs: /a}]}', /pool\.others: \/a is there twice/],
    ['server: {container_klass: Insecure}\npool: {size: 1}', /pool: plain processes/],
    ['hooks: {child_after_pivot: [/h]}\npool: {size: 1}', /hooks\.child_after_pivot/],
  ];
  for (const [text, message] of refused) assert.match(refusalOf(text), message, text);
});

test('syslog\'s socket is /dev/log unless another is named', () => {
  assert.equal(parseConfiguration('', 't').syslogSocketPath, '/dev/log');
  const configuration = parseConfiguration('server: {syslog_socket: /run//log/../syslog.sock}', 't');
  assert.equal(configuration.syslogSocketPath, '/run/syslog.sock');
});

test('an unknown key is refused with its path', () => {
  assert.match(refusalOf('server:\n  colour: red\n'), /^test\.yml: unknown key server\.colour$/);
  assert.match(refusalOf('servers: {}\n'), /unknown key servers/);
  assert.match(refusalOf('server: {container_rlimits: {nofiles: 1}}'), /unknown key server\.container_rlimits\.nofiles/);
});

test('a wrong type or value is refused with its path', () => {
  const refused: [string, RegExp][] = [
    ['server: {job_output_limit: lots}', /server\.job_output_limit: /],
    ['server: {container_grace_time: invalid}', /server\.container_grace_time: /],
    ['server: {unix_domain_permissions: 1000}', /server\.unix_domain_permissions: must be octal/],
    ['server: {unix_domain_path: warden.sock}', /server\.unix_domain_path: must be an absolute path/],
    ['server: {container_klass: Docker}', /server\.container_klass: /],
    ['server: {cgroup_parent: "a/b"}', /server\.cgroup_parent: /],
    ['server: []', /server: /],
    ['server: {syslog_socket: log}', /server\.syslog_socket: must be an absolute path/],
    ['server: {syslog_socket: /run/}', /server\.syslog_socket: must end in the name/],
    [`server: {syslog_socket: /run/${'x'.repeat(81)}}`, /server\.syslog_socket: must end in the name/],
    ['- a\n- b', /the file must be a mapping/],
    ['network: {pool_start_address: 10.254.0.0}', /belong together/],
    ['network: {pool_start_address: 10.254.0.1, pool_size: 4}', /not the start of a \/30/],
    ['network: {pool_network: 10.0.0.0/31}', /at least one \/30/],
    ['network: {pool_network: 10.0.0.0/33}', /network\.pool_network: /],
    ['network: {deny_networks: [300.0.0.1]}', /network\.deny_networks/],
    ['network: {dns_servers: [localhost]}', /network\.dns_servers/],
    ['user: {pool_start_uid: 65000, pool_size: 1000}', /user\.pool_start_uid/],
    ['user: {pool_start_uid: 0}', /user\.pool_start_uid/],
    ['user: {pool_start_subuid: 70000}', /user\.pool_start_subuid/],
    ['port: {pool_start_port: 65000, pool_size: 1000}', /port\.pool_size: the pool runs beyond port 65535/],
    ['port: {pool_start_port: 0}', /port\.pool_start_port/],
    ['port: {own_ports: "80-22"}', /port\.own_ports/],
    ['health_check_server: {port: 65536}', /health_check_server\.port/],
    ['server: [', /is not valid YAML/],
  ];
  for (const [text, message] of refused) assert.match(refusalOf(text), message, text);
});

test('a file that is no YAML is refused with file, line and column, in one line without a caret', () => {
  assert.equal(refusalOf('server:\n  unix_domain_path: "/run\n'), 'test.yml is not valid YAML: line 3, column 1: Missing closing "quote');
  for (const text of ['server: {a: 1', 'server:\n\tx: 1\n', 'a: b: c', '- 1\nx: 2']) assert.match(refusalOf(text), /^test\.yml is not valid YAML: line \d+, column \d+: [^\n^]+$/, text);
});

test('a path whose unix socket would be too long is refused with the limit', () => {
  assert.match(refusalOf(`server: {unix_domain_path: /${'a'.repeat(107)}}`), /108 bytes .* limit is 107/);
  const longest = `/${'d'.repeat(66)}`;
  assert.equal(parseConfiguration(`server: {container_depot_path: ${longest}}`, 't').depotPath, longest);
  assert.equal(Buffer.byteLength(`${longest}/containers/00000000000/run/monitor.sock`), 107);
  assert.match(refusalOf(`server: {container_depot_path: ${longest}d}`), /68 bytes .* limit is 67/);
});

test('permissions may be a string of octal digits', () => {
  assert.equal(parseConfiguration('server: {unix_domain_permissions: "0600"}', 't').socketPermissions, 0o600);
});

test('a missing file is named', () => {
  assert.throws(() => loadConfiguration('/nonexistent/warden.yml'), /\/nonexistent\/warden\.yml/);
});

test('docs/configuration.md has every key, and no other', () => {
  const page = readFileSync(new URL('../../../../docs/configuration.md', import.meta.url), 'utf8');
  const documented = new Set([...page.matchAll(/^\| `([a-z_.]+)` \|/gm)].map((match) => match[1]));
  const defaults = configurationSchema.parse({});
  const keys = Object.keys(defaults).flatMap((section) => {
    const shape = configurationSchema.def.out.shape[section as keyof typeof defaults].def.out.shape;
    return Object.keys(shape).map((key) => `${section}.${key}`);
  });
  assert.deepEqual([...documented].sort(), keys.sort());
});

test('numbers of processes and of resource limits that cannot be are refused', () => {
  for (const value of ['0', '3', '-1', '1.5', '4194305', '9223372036854775808', '18446744073709551616', 'many', '.inf']) {
    for (const key of ['container_pids_max', 'containers_pids_max']) assert.match(refusalOf(`server: {${key}: ${value}}`), new RegExp(`server\\.${key}`));
  }
  for (const value of ['-2', '1.5', '18446744073709551615', 'unlimited', 'true']) assert.match(refusalOf(`server: {container_rlimits: {nofile: ${value}}}`), /server\.container_rlimits\.nofile/);
  assert.equal(parseConfiguration('server: {container_rlimits: {nofile: -1}, containers_pids_max: 4}', 'test.yml').totalPidsMax, 4);
});
