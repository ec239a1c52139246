import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { WardenError } from 'warden-protocol';
import { ManualClock } from '../../lib/manual-clock.js';
import { systemClock } from '../../lib/timer.js';
import { sampleDescription } from '../linux/sample-description.js';
import { InsecureLauncher } from './launcher.js';

/** A directory of programs, and one of a container's. */
function places(t: TestContext, monitor: string): { programs: string; directory: string } {
  const programs = mkdtempSync(join(tmpdir(), 'plain-launcher-'));
  t.after(() => rmSync(programs, { recursive: true, force: true }));
  writeFileSync(join(programs, 'plain-monitor'), monitor);
  chmodSync(join(programs, 'plain-monitor'), 0o755);
  const directory = join(programs, 'container');
  mkdirSync(directory);
  return { programs, directory };
}

const refused = (code: string, message: RegExp) => (error: unknown): boolean => {
  assert.ok(error instanceof WardenError);
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

test('a monitor that cannot be started, or ends without an answer, fails the create', async (t) => {
  const { programs, directory } = places(t, '#!/bin/sh\nexit 3\n');
  const description = { ...sampleDescription, directory, mounts: [] };
  await assert.rejects(new InsecureLauncher(programs, {}, systemClock).create(description), refused('unavailable', /plain-monitor ended without an answer/));
  assert.ok(existsSync(join(directory, 'rootfs/home/vcap')));
  const second = join(programs, 'second');
  mkdirSync(second);
  await assert.rejects(new InsecureLauncher('/nowhere', {}, systemClock).create({ ...description, directory: second }), refused('unavailable', /cannot start .*plain-monitor|ended without an answer/));
});

test('one that says nothing is given up after the create\'s deadline, and a moment more', async (t) => {
  const { programs, directory } = places(t, '#!/bin/sh\nread line <&3\n');
  const clock = new ManualClock();
  const created = new InsecureLauncher(programs, {}, clock).create({ ...sampleDescription, directory, mounts: [], deadlineMs: 1000 });
  const outcome = assert.rejects(created, refused('timeout', /no answer from plain-monitor within 6 s/));
  clock.advance(5999);
  assert.equal(await Promise.race([created.catch(() => 'failed'), new Promise((resolve) => setImmediate(resolve, 'waiting'))]), 'waiting');
  clock.advance(1);
  await outcome;
});

test('what would need a container is refused before anything is made', async (t) => {
  const { programs, directory } = places(t, '');
  const launcher = new InsecureLauncher(programs, {}, systemClock);
  const mount = { source: '/tmp', destination: '/x', readOnly: true, recursive: false };
  await assert.rejects(launcher.create({ ...sampleDescription, directory, mounts: [mount] }), refused('unsupported', /bind_mounts/));
  assert.ok(!existsSync(join(directory, 'rootfs')));
  await assert.rejects(launcher.limitBandwidth(), refused('unsupported', /limit_bandwidth/));
});
