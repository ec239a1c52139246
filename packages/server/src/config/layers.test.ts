import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigurationError } from './configuration-error.js';
import { mergeLayers, type Layer } from './layers.js';
import { configurationOf } from './load.js';
import { settingsInForce, showSettings } from './show.js';
import { layerOf, readLayers } from './sources.js';

const file = (text: string, origin = 'file.yml'): Layer => layerOf(text, origin);
const environment = (variables: Record<string, string>): Layer[] => readLayers({ configPath: '/dev/null', settings: [], environment: variables }).slice(1);
const flags = (...settings: string[]): Layer[] => readLayers({ configPath: '/dev/null', settings, environment: {} }).slice(1);

function refusalOf(layers: readonly Layer[]): string {
  try {
    configurationOf(layers);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.message;
  }
  return assert.fail('was accepted');
}

test('mappings are joined, of everything else the later value holds', () => {
  const merged = mergeLayers([file('network: {mtu: 1400, deny_networks: [10.0.0.0/8]}\nserver: {pidfile: /run/p}', 'one'), file('network: {deny_networks: [10.1.0.0/16]}\nserver: {pidfile: ~}', 'two')]);
  assert.deepEqual(merged.settings, { network: { mtu: 1400, deny_networks: ['10.1.0.0/16'] }, server: { pidfile: null } });
  assert.deepEqual([merged.originOf(['network', 'mtu']), merged.originOf(['network', 'deny_networks']), merged.originOf(['server', 'pidfile'])], ['one', 'two', 'two']);
});

test('an empty section takes nothing away', () => {
  const layers = [file('network: {mtu: 1400}', 'one'), file('network:\nserver:', 'two'), file('', 'three')];
  assert.equal(configurationOf(layers).network.mtu, 1400);
});

test('the environment is above files, the command line above the environment', () => {
  const layers = [file('logging: {level: warn}\nnetwork: {mtu: 1400, dns_servers: [192.0.2.1]}'), ...environment({ WARDEN__LOGGING__LEVEL: 'error', WARDEN__NETWORK__MTU: '1300', WARDEN_SOCKET: '/x', PATH: '/bin' }), ...flags('logging.level=debug')];
  const { logging, network } = configurationOf(layers);
  assert.deepEqual([logging.level, network.mtu, network.dnsServers], ['debug', 1300, ['192.0.2.1']]);
});

test('values of variables and flags are YAML, with its types', () => {
  const { network, pidfile, socketPermissions } = configurationOf([...environment({ WARDEN__NETWORK__DENY_NETWORKS: '[10.0.0.0/8]', WARDEN__SERVER__PIDFILE: '~' }), ...flags('server.unix_domain_permissions=0600')]);
  assert.deepEqual([network.denied.length, pidfile, socketPermissions], [1, null, 0o600]);
});

for (const [layers, message] of [
  [[file('network: {mtu: none}', 'a.yml'), file('nettwork: {}', 'b.yml')], /^a\.yml: network\.mtu: .*; b\.yml: unknown key nettwork$|^b\.yml: unknown key nettwork; a\.yml: network\.mtu/],
  [environment({ WARDEN__NETWORK__MTUU: '1' }), /^environment variable WARDEN__NETWORK__MTUU: unknown key network\.mtuu$/],
  [environment({ WARDEN__NETWORK: '1' }), /^environment variable WARDEN__NETWORK: network: /],
  [flags('network.pool_size=4'), /^--set network\.pool_size: network\.pool_start_address and network\.pool_size belong together/],
  [flags('__proto__.polluted=1'), /^--set __proto__\.polluted: unknown key __proto__$/],
  [[file('- list')], /^file\.yml: the file must be a mapping/],
] as const) {
  test(`refused, with its source: ${message.source}`, () => assert.match(refusalOf(layers), message));
}

test('flags without a value and values that are no YAML are refused', () => {
  assert.throws(() => flags('logging.level'), /--set logging\.level: must be KEY=VALUE/);
  assert.throws(() => flags('=3'), /must be KEY=VALUE/);
  assert.throws(() => flags('logging.level=[1'), /--set logging\.level is not valid YAML/);
  assert.equal((Object.prototype as Record<string, unknown>)['polluted'], undefined);
});

test('what is in force is shown with where it comes from', () => {
  const settings = settingsInForce([file('server: {unix_domain_permissions: 0640, container_memory_reserve: 10%, container_rlimits: {nofile: 9}}'), ...flags('network.mtu=1400')]);
  const shown = Object.fromEntries(settings.map(({ key, value, origin }) => [key, [value, origin]]));
  assert.deepEqual(shown['server.unix_domain_permissions'], ['0640', 'file.yml']);
  assert.deepEqual(shown['server.container_memory_reserve'], ['10%', 'file.yml']);
  assert.deepEqual(shown['server.container_rlimits.nofile'], [9, 'file.yml']);
  assert.deepEqual(shown['network.mtu'], [1400, '--set network.mtu']);
  assert.deepEqual(shown['logging.level'], ['info', 'default']);
  const text = showSettings(settings, true);
  assert.match(text, /^network\.mtu: 1400 +# --set network\.mtu$/m);
  assert.match(text, /^server\.unix_domain_permissions: "0640" +# file\.yml$/m);
  assert.doesNotMatch(showSettings(settings, false), /#/);
});
