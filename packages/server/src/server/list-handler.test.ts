import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Type, type AnyResponse, type ListResponse, type RequestType } from 'warden-protocol';
import { makeTestContainers, roomyConfiguration } from '../container/test-containers.js';
import { TestServer } from './test-server.js';

let server: TestServer;
/** Types of requests, in the order in which the server was done with them. */
const answered: RequestType[] = [];

beforeEach(async () => {
  server = new TestServer((type) => void answered.push(type), undefined, makeTestContainers(undefined, roomyConfiguration));
  await server.listener.listen();
});

afterEach(() => server.close());

/** 64 labels of 1,100 characters. */
const labels = Array.from({ length: 64 }, (_, index) => ({ key: `${index}`.padEnd(100, 'k'), value: 'v'.repeat(1000) }));

function listed({ type, response }: AnyResponse): ListResponse {
  assert.ok(type === Type.List, type === Type.Error ? (response as { message?: string }).message : '');
  return response;
}

test('a long list is one answer, and others are answered before it', async () => {
  const handles = Array.from({ length: 20 }, (_, index) => `c${index}`);
  for (const handle of handles) await server.scene.create({ handle, labels });
  const [client, other] = [await server.connect(), await server.connect()];
  await other.call(Type.Ping, {});
  answered.length = 0;
  client.send(Type.List, { details: true });
  client.send(Type.Echo, { message: 'behind it' });
  await other.call(Type.Ping, {});
  await client.until(() => client.responses.length === 2);
  const [list, echo] = client.responses;
  assert.equal(echo?.type, Type.Echo);
  assert.deepEqual(answered, [Type.Ping, Type.List, Type.Echo]);
  const { handles: told, containers, next } = listed(list!);
  assert.deepEqual([told, containers.map(({ handle }) => handle), next], [handles, handles, undefined]);
  assert.deepEqual(containers[19]?.labels, labels);
});

test('a list that is too long to be kept is refused with what to do, and pages of it are not', async () => {
  const handles = Array.from({ length: 61 }, (_, index) => `c${index}`);
  for (const handle of handles) await server.scene.create({ handle, labels });
  const client = await server.connect();
  const { type, response } = await client.call(Type.List, { details: true });
  assert.ok(type === Type.Error);
  assert.deepEqual([response.data, /longer than 4194304 bytes: ask for pages/.test(response.message ?? '')], ['exhausted', true]);
  assert.deepEqual(listed(await client.call(Type.List, {})).handles, handles);
  const found: string[] = [];
  for (let after: string | undefined, page = 0; page === 0 || after !== undefined; page++) {
    const part = listed(await client.call(Type.List, { details: true, limit: 1000, after }));
    assert.ok(part.containers.length > 0);
    found.push(...part.containers.map(({ handle }) => handle));
    after = part.next;
  }
  assert.deepEqual(found, handles);
});
