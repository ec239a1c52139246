import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HookPoint } from 'warden-protocol';
import { describeContainer } from './describe.js';
import { checkHooks, describeHooks, hookInputOf } from './hooks.js';
import { makeTestContainers, testConfiguration } from './test-containers.js';
import { RecordingHost } from './recording-host.js';

const hook = { point: HookPoint.CHILD_AFTER_PIVOT, program: 'prepare', args: ['a', '-b'], timeoutMs: undefined };

test('a hook is a name of the server\'s, never a path', () => {
  assert.deepEqual(checkHooks([hook]), [{ point: 'child_after_pivot', program: 'prepare', args: ['a', '-b'], timeoutMs: 10_000 }]);
  for (const program of ['', '.', '..', '/bin/sh', '../sh', 'a/b', 'a\0b', 'x'.repeat(256)]) assert.throws(() => checkHooks([{ ...hook, program }]), { code: 'not_found' });
});

test('points, numbers, arguments and times have limits', () => {
  const bad = [{ ...hook, point: 7 as HookPoint }, { ...hook, args: ['\0'] }, { ...hook, args: ['x'.repeat(4097)] }, { ...hook, args: Array.from({ length: 64 }, () => 'x') }, { ...hook, timeoutMs: 0n }, { ...hook, timeoutMs: 600_001n }, { ...hook, timeoutMs: 2n ** 64n - 1n }];
  for (const one of bad) assert.throws(() => checkHooks([one]), { code: 'invalid_argument' });
  assert.throws(() => checkHooks(Array.from({ length: 17 }, () => hook)), { code: 'invalid_argument', message: /17 are too many, the limit is 16/ });
  assert.equal(checkHooks([{ ...hook, timeoutMs: 600_000n }])[0]?.timeoutMs, 600_000);
});

test('those of the configuration come first, and a create without any has no input for them', async () => {
  const programs = [{ point: 'child_after_pivot' as const, command: ['/etc/hooks/first'], timeoutMs: 5 }];
  const { host } = makeTestContainers(new RecordingHost(), testConfiguration);
  assert.deepEqual(describeHooks(programs, checkHooks([hook]), host.hookPrograms).map(({ command }) => command), [['/etc/hooks/first'], ['/hooks/prepare', 'a', '-b']]);

  const { create } = makeTestContainers();
  const identification = await create({ handle: 'demo "x"' });
  const parts = { identification, rootFileSystem: { lowers: ['/r'], mounts: [] }, bindMounts: [], cgroups: [], firewallElements: [], nameServers: [], deadlineMs: 1, lang: 'C', syslogSocket: '/l' };
  assert.equal(describeContainer({ ...parts, hooks: [] }).hookInput, undefined);
  const { hookInput = '' } = describeContainer({ ...parts, hooks: programs });
  assert.equal(hookInput, hookInputOf(identification));
  const known = JSON.parse(hookInput) as Record<string, unknown>;
  assert.deepEqual([known['handle'], known['container_ip'], known['vcap_uid'], known['container_interface']], ['demo "x"', '10.254.0.2', 10_000, identification.link.containerName]);
});

test('one that is missing fails the create, and nothing is left', async () => {
  const { host, create } = makeTestContainers();
  await assert.rejects(create({ hooks: [{ ...hook, program: 'missing' }] }), { code: 'not_found' });
  assert.deepEqual(host.leftovers(), []);
});
