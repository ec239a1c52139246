/* Labels of containers, and the list that goes by them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Summary } from '../harness/client.js';
import { refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();

test('info shows labels as the create gave them, and when that was', async () => {
  const labels = [{ key: 'team', value: 'red & "blue"' }, { key: '__proto__', value: '$(id)' }, { key: 'empty', value: '' }];
  const before = BigInt(Date.now());
  const { client, handle } = await server.container({ labels });
  const info = await client.info(handle);
  assert.deepEqual(info.labels, labels);
  assert.equal(info.ttl_left_ms, undefined);
  // Ids of containers always increase, so the clock may be behind them by as many microseconds as there were creates at once.
  assert.ok(info.created_ms !== undefined && info.created_ms + 1n >= before && info.created_ms <= BigInt(Date.now()) + 1n, `${info.created_ms}`);
  assert.deepEqual((await client.run(handle, 'true')).info.labels, [], 'replies of jobs do without them');
});

test('a list may ask for labels, and for more than handles', async () => {
  const { client, handle: plain } = await server.container();
  const { handle: red } = await server.container({ labels: [{ key: 'team', value: 'red' }, { key: 'ci', value: '' }], ttl: 3600 });
  const { handle: blue } = await server.container({ labels: [{ key: 'team', value: 'blue' }] });
  const list = async (fields: Parameters<typeof client.request>[1]) => await client.request('list', fields) as unknown as { handles: string[]; containers: Summary[] };
  assert.deepEqual((await list({ labels: [{ key: 'team' }] })).handles.sort(), [red, blue].sort());
  assert.deepEqual((await list({ labels: [{ key: 'team', value: 'red' }, { key: 'ci' }] })), { handles: [red], containers: [] });
  assert.deepEqual((await list({ labels: [{ key: 'team', value: '' }] })).handles, []);
  await client.spawn(red, 'sleep 1000');
  const { host_port: hostPort } = await client.netIn(red, { container_port: 80 });
  await client.stop(blue, { kill: true });
  const { handles, containers } = await list({ details: true });
  assert.deepEqual(handles.slice().sort(), [plain, red, blue].sort());
  assert.deepEqual(containers.map(({ handle }) => handle), handles);
  const of = (wanted: string): Summary => containers.find(({ handle }) => handle === wanted)!;
  const { created_ms: createdMs, ttl_left_ms: left = 0n, ...rest } = of(red);
  const info = await client.info(red);
  assert.equal(createdMs, info.created_ms);
  assert.ok(left > 3_500_000n && left <= 3_600_000n, `${left}`);
  assert.deepEqual(rest, {
    handle: red, state: 'active', container_ip: info.container_ip, labels: info.labels, rootfs: server.paths.rootfs, net_in: [{ host_port: hostPort, container_port: 80, protocol: 0 }], jobs: 1,
  });
  assert.deepEqual([of(blue).state, of(plain).ttl_left_ms, of(plain).labels, of(plain).jobs], ['stopped', undefined, [], 0]);
});

test('a list comes in pages when a client wants them', async () => {
  const client = await server.connect();
  const label = { key: 'page', value: 'x' };
  const made: string[] = [];
  for (let index = 0; index < 3; index++) made.push((await server.container({ labels: [label] })).handle);
  await server.container();
  const page = async (fields: object) => await client.request('list', { labels: [label], details: true, ...fields }) as unknown as { handles: string[]; containers: Summary[]; next?: string };
  const first = await page({ limit: 2 });
  assert.deepEqual([first.handles, first.containers.map(({ handle }) => handle), typeof first.next], [made.slice(0, 2), made.slice(0, 2), 'string']);
  await client.destroy(made[1] ?? '');
  const last = await page({ limit: 2, after: first.next });
  assert.deepEqual([last.handles, last.next], [made.slice(2), undefined]);
  await refused(page({ limit: 0 }), 'invalid_argument', /limit: a page has at least one container/);
  await refused(page({ after: 'x' }), 'invalid_argument', /after: /);
});

test('labels are few and short, and keys are there once', async () => {
  const client = await server.connect();
  const many = Array.from({ length: 65 }, (_, index) => ({ key: `${index}`, value: '' }));
  for (const [labels, message] of [
    [many, /labels: 65 are too many/], [[{ key: '', value: '' }], /a key must not be empty/], [[{ key: 'x'.repeat(129), value: '' }], /more than 128 characters/],
    [[{ key: 'a=b', value: '' }], /no "="/], [[{ key: 'a', value: '\u001b[2J' }], /a value must have no control characters/], [[{ key: 'a', value: 'x'.repeat(1025) }], /1025 bytes/],
    [[{ key: 'a', value: '' }, { key: 'a', value: '' }], /given twice/],
  ] as const) await refused(client.create({ labels: [...labels] }), 'invalid_argument', message);
  await refused(client.request('list', { labels: many }), 'invalid_argument', /labels: 65 are too many/);
  assert.deepEqual(await client.list(), []);
  const largest = Array.from({ length: 64 }, (_, index) => ({ key: `${index}`.padEnd(128, 'k'), value: '"'.repeat(1024) }));
  const { handle } = await server.container({ labels: largest });
  assert.deepEqual((await client.info(handle)).labels, largest);
});

test('labels survive every end of the daemon', async () => {
  const labels = Array.from({ length: 64 }, (_, index) => ({ key: `key ${index}`, value: '\\\n\t"ü'.repeat(100) }));
  const { handle } = await server.container({ labels });
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const before = await (await server.connect()).info(handle);
    await server.restart({}, signal);
    const { labels: after, created_ms: createdMs } = await (await server.connect()).info(handle);
    assert.deepEqual([after, createdMs], [labels, before.created_ms]);
  }
});
