/* A handle is a name and nothing else: any text within the limits works, and none of it is a path or a shell word. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { encode, frame, operations } from '../harness/wire.js';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { listLinks } from '../harness/links.js';

const server = useServer();
const canary = '/tmp/warden-test-canary';

const names = [
  'a/b c', '__proto__', 'constructor', 'toString', '$(id)', '../../x', '`id`', "'; id; '", '"', '\\', '-rf', '--help', '*', '.', '..', '/', '~',
  'ä€😀', 'x'.repeat(256), '😀'.repeat(64), ' ', '%s%n', `$(touch ${canary})`, `;touch ${canary};`, `| touch ${canary}`, '#', '0', 'null', 'w-1-0',
];
for (const name of names) {
  test(`${JSON.stringify(name.slice(0, 40))} is just a name`, async () => {
    const { client, handle } = await server.container({ handle: name });
    assert.equal(handle, name);
    assert.deepEqual(await client.list(), [name]);
    assert.equal((await client.info(name)).state, 'active');
    assert.equal(output(await client.run(name, 'echo hello')), 'hello\n');
    await refused(client.create({ handle: name }), 'exists', /already exists/);
    assert.ok(!existsSync(canary));
    for (const directory of readdirSync(`${server.paths.depot}/containers`)) assert.match(directory, /^[0-9a-v]{11}$/);
    await client.destroy(name);
    await refused(client.info(name), 'not_found', /^unknown handle$/);
  });
}

test('empty, too long, and control characters are refused by create, and unknown to the others', async () => {
  const client = await server.connect();
  for (const handle of ['', 'x'.repeat(257), '😀'.repeat(64) + 'x', 'a\nb', 'a\0b', '\x1b[31m', 'a\x7f', '\t', 'a\u0085b', 'x'.repeat(1_000_000)]) {
    await refused(client.create({ handle }), 'invalid_argument', /handle/);
    await assert.rejects(client.info(handle), /handle/);
    await assert.rejects(client.destroy(handle), /handle/);
  }
  assert.deepEqual(await client.list(), []);
});

test('a handle that is no UTF-8 is refused', async () => {
  const client = await server.connect();
  client.write(frame(operations.create.type, encode(operations.create.request, { handle: Buffer.from('ff fe'.replace(' ', ''), 'hex') })));
  const outcome = await Promise.race([client.reply().then(({ type }) => type), client.closed().then(() => 1)]).catch(() => 1);
  assert.equal(outcome, 1);
  const other = await server.connect();
  assert.deepEqual(await other.list(), []);
});

test('interfaces are named by a short handle, else by the id, and never clash', async () => {
  const client = await server.connect();
  for (const handle of ['short', '12345678901', '123456789012', '123456789013', 'a/b', 'a b', 'ä', '..', 'a%b']) {
    await client.create({ handle });
    server.handles.add(handle);
  }
  const links = (await listLinks()).map(({ name }) => name);
  assert.ok(links.includes('w-short-0') && links.includes('w-12345678901-0'));
  for (const handle of await client.list()) {
    const interfaces = output(await client.run(handle, 'ls /proc/sys/net/ipv4/conf | grep ^w-')).trim();
    assert.match(interfaces, /^w-[!-~]{1,11}-1$/);
  }
});

test('the strings of every request reach no shell', async () => {
  const { client, handle } = await server.container();
  const payloads = [`$(touch ${canary})`, `\`touch ${canary}\``, `;touch ${canary}`, `' ; touch ${canary} #`, `\n touch ${canary}\n`, `--rsh=touch ${canary}`];
  for (const payload of payloads) {
    await client.create({ rootfs: payload }).catch(() => undefined);
    await client.create({ network: payload }).catch(() => undefined);
    await client.request('copy_in', { handle, src_path: payload, dst_path: payload }).catch(() => undefined);
    await client.request('copy_out', { handle, src_path: payload, dst_path: payload, owner: payload }).catch(() => undefined);
    await client.request('net_out', { handle, network: payload }).catch(() => undefined);
    await client.run(handle, 'true', { log_tag: payload }).catch(() => undefined);
    await client.create({ bind_mounts: [{ src_path: payload, dst_path: payload, mode: 1 }] }).catch(() => undefined);
  }
  assert.ok(!existsSync(canary));
});
