import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigurationError } from './configuration-error.js';
import { configurationOf } from './load.js';
import { reloadConfiguration } from './reload.js';
import { layerOf } from './sources.js';

const first = [layerOf('server: {job_output_limit: 1000, container_rlimits: {nofile: 10}}\nnetwork: {mtu: 1400}\nlogging: {level: info, file: /a}', 'w.yml')];

function reloadedWith(text: string) {
  return reloadConfiguration(configurationOf(first), first, [layerOf(text, 'w.yml')]);
}

test('what can change does, what cannot is named and stays', () => {
  const { configuration, changed, needRestart } = reloadedWith(
    'server: {job_output_limit: 2000, stop_deadline: 3, container_grace_time: 7, container_rlimits: {nofile: 11, core: 0}}\nnetwork: {mtu: 1300}\nlogging: {level: debug, file: /b}',
  );
  assert.deepEqual([...changed].sort(), ['logging.level', 'server.container_grace_time', 'server.container_rlimits.core', 'server.container_rlimits.nofile', 'server.job_output_limit', 'server.stop_deadline']);
  assert.deepEqual([...needRestart].sort(), ['logging.file', 'network.mtu']);
  assert.deepEqual([configuration.jobOutputLimitInBytes, configuration.stopDeadlineMs, configuration.defaultGraceTimeMs, [...configuration.rlimits]], [2000, 3000, 7000, [['core', 0], ['nofile', 11]]]);
  assert.deepEqual([configuration.network.mtu, configuration.logging.file, configuration.logging.level], [1400, '/a', 'debug']);
});

test('a key that is taken out has its default again', () => {
  const { configuration, changed } = reloadedWith('network: {mtu: 1400}\nlogging: {file: /a}');
  assert.deepEqual([...changed].sort(), ['server.container_rlimits', 'server.container_rlimits.nofile', 'server.job_output_limit']);
  assert.equal(configuration.jobOutputLimitInBytes, 10 * 1024 * 1024);
  assert.equal(configuration.rlimits.size, 0);
});

test('the same settings change nothing', () => {
  const { configuration, changed, needRestart } = reloadConfiguration(configurationOf(first), first, first);
  assert.deepEqual([changed, needRestart, configuration], [[], [], configurationOf(first)]);
});

test('a mistake is refused', () => {
  assert.throws(() => reloadedWith('server: {job_output_limit: many}'), ConfigurationError);
});

test('containers are made in advance after a reload, but not while hooks or plain processes are in force, which only a restart ends', () => {
  const reload = (before: string, after: string) => {
    const layers = [layerOf(before, 'w.yml')];
    return reloadConfiguration(configurationOf(layers), layers, [layerOf(after, 'w.yml')]);
  };
  const allowed = reload('{}', 'pool: {size: 2}');
  assert.deepEqual([allowed.changed, allowed.configuration.pools], [['pool.size'], [{ size: 2, rootfs: undefined }]]);
  for (const before of ['hooks: {child_after_pivot: [/etc/warden/hooks/watch]}', 'server: {container_klass: Insecure}']) {
    const { configuration, changed, needRestart } = reload(before, 'pool: {size: 2}');
    assert.deepEqual([changed, needRestart.includes('pool.size'), configuration.pools], [[], true, []], before);
  }
});
