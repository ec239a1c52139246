import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { Type } from 'warden-protocol';
import { noteOutOfMemory } from '../container/out-of-memory.js';
import { HealthServer } from './health-server.js';
import { Metrics } from './metrics.js';
import { TestServer } from './test-server.js';

let server: TestServer;
let metrics: Metrics;
let health: HealthServer;
let unready: string | undefined;
let base: string;

/** A port that is free at this moment. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

beforeEach(async () => {
  server = new TestServer((type, seconds, code) => metrics.answered(type, seconds, code));
  metrics = new Metrics(server.scene.containers, { restarts: { launcher: () => 2, resolver: () => 0 }, connections: () => server.listener.connections }, { ofContainers: true });
  unready = undefined;
  const port = await freePort();
  base = `http://127.0.0.1:${port}`;
  health = new HealthServer({ port, unready: () => unready, metrics });
  await health.listen();
  await server.listener.listen();
});

afterEach(async () => {
  health.close();
  metrics.close();
  await server.close();
});

async function figures(): Promise<Map<string, number>> {
  const response = await fetch(`${base}/metrics`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

test('live and ready are two things', async () => {
  const status = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`${base}${path}`);
    return [response.status, await response.text()];
  };
  assert.deepEqual(await status('/healthz'), [200, 'ok\n']);
  assert.deepEqual(await status('/'), [200, 'ok\n']);
  assert.deepEqual(await status('/readyz'), [200, 'ready\n']);
  unready = 'ending';
  assert.deepEqual(await status('/readyz?probe'), [503, 'ending\n']);
  assert.deepEqual(await status('/healthz'), [200, 'ok\n']);
  assert.equal((await fetch(`${base}/readyz`, { method: 'POST' })).status, 405);
});

test('a port that is taken is refused, with the key that helps', async () => {
  const second = new HealthServer({ port: Number(new URL(base).port), unready: () => undefined, metrics });
  await assert.rejects(second.listen(), { code: 'unavailable', message: /health_check_server\.port/ });
});

test('requests are counted by name and outcome, with their times', async () => {
  const client = await server.connect();
  await client.call(Type.Create, { handle: 'demo' });
  await client.call(Type.Ping, {});
  await client.call(Type.Ping, {});
  await client.call(Type.Info, { handle: 'nobody' });
  const found = await figures();
  assert.equal(found.get('warden_requests_total{request="ping",code="ok"}'), 2);
  assert.equal(found.get('warden_requests_total{request="info",code="not_found"}'), 1);
  assert.equal(found.get('warden_request_duration_seconds_count{request="create"}'), 1);
  assert.equal(found.get('warden_request_duration_seconds_bucket{le="+Inf",request="ping"}'), 2);
  assert.equal(found.get('warden_connections'), 1);
});

test('containers, pools and what went wrong are what they are at the time of the question', async () => {
  const { scene } = server;
  const before = await figures();
  const demo = await scene.create({ handle: 'demo' });
  await scene.create({ handle: 'say "hi"' });
  const during = await figures();
  assert.equal(before.get('warden_containers{state="active"}'), 0);
  assert.equal(during.get('warden_containers{state="active"}'), 2);
  for (const pool of ['network', 'uid']) assert.equal((during.get(`warden_pool_taken{pool="${pool}"}`) ?? 0) - (before.get(`warden_pool_taken{pool="${pool}"}`) ?? 0), 2, pool);
  assert.equal(during.get('warden_pool_size{pool="uid"}'), 4);
  assert.equal(during.get('warden_process_restarts_total{process="launcher"}'), 2);
  assert.deepEqual([...during].filter(([name]) => name.startsWith('warden_container_pids{handle="say \\"hi\\""')).map(([, value]) => value), [4], 'labels are escaped');

  noteOutOfMemory(scene.containers, demo);
  noteOutOfMemory(scene.containers, demo);
  await scene.containers.idle();
  const after = await figures();
  assert.equal(after.get('warden_out_of_memory_total'), 1);
  assert.equal(after.get('warden_containers{state="stopped"}'), 1);
  assert.equal((await figures()).get('warden_out_of_memory_total'), 1, 'asking changes nothing');
});
