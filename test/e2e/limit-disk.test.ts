/* limit_disk as a client sees it, whichever backend the server has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../harness/client.js';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import type { Fields } from '../harness/wire.js';

const server = useServer();
const MIB = 1024 * 1024;
/** Backends that count inodes by the container. */
const INODE_BACKENDS = ['project', 'user'];

function limitDisk(client: Client, handle: string, fields: Fields = {}): Promise<Fields> {
  return client.request('limit_disk', { handle, ...fields });
}

/** All names of a limit of so many bytes, which are whole blocks. */
function bytesInForce(bytes: bigint): Fields {
  const blocks = bytes / 1024n;
  return { byte: bytes, byte_limit: bytes, byte_soft: bytes, byte_hard: bytes, block: blocks, block_limit: blocks, block_soft: blocks, block_hard: blocks };
}

const withoutInodes = (answer: Fields): Fields => Object.fromEntries(Object.entries(answer).filter(([name]) => !name.startsWith('inode')));

/** How many bytes of a large file fit, and what the failed write said. */
async function fill(client: Client, handle: string, path: string, privileged = false): Promise<{ bytes: number; reason: string }> {
  const result = await client.run(handle, `head -c ${64 * MIB} /dev/zero > ${path}; stat -c %s ${path}`, { privileged });
  return { bytes: Number(result.stdout), reason: result.stderr };
}

test('a limit is in force at once, for vcap and for root, exactly, and can be read', async () => {
  const { client, handle } = await server.container();
  const limit = 20n * BigInt(MIB);
  assert.deepEqual(withoutInodes(await limitDisk(client, handle)), bytesInForce(0n), 'none at first');
  assert.deepEqual(withoutInodes(await limitDisk(client, handle, { byte_limit: limit })), bytesInForce(limit));
  assert.deepEqual(withoutInodes(await limitDisk(client, handle)), bytesInForce(limit));
  for (const [path, privileged] of [['big', false], ['/root/big', true]] as const) {
    const { bytes, reason } = await fill(client, handle, path, privileged);
    assert.match(reason, /Disk quota exceeded|No space left on device/);
    assert.ok(bytes <= Number(limit), `${bytes} bytes fit`);
    // The container's own files and the file system's books take some of it.
    assert.ok(bytes >= Number(limit) - MIB, `only ${bytes} bytes fit`);
    output(await client.run(handle, `rm ${path}`, { privileged }));
  }
});

test('more and less while the container runs: what is there stays, and what was removed is free again', async () => {
  const { client, handle } = await server.container();
  await limitDisk(client, handle, { byte_limit: BigInt(8 * MIB) });
  const first = await fill(client, handle, 'first');
  assert.ok(first.bytes <= 8 * MIB);
  await limitDisk(client, handle, { byte_limit: BigInt(16 * MIB) });
  const second = await fill(client, handle, 'second');
  assert.ok(second.bytes >= 7 * MIB && first.bytes + second.bytes <= 16 * MIB, `${first.bytes} and ${second.bytes} bytes`);

  assert.deepEqual(withoutInodes(await limitDisk(client, handle, { byte_limit: BigInt(4 * MIB) })), bytesInForce(BigInt(4 * MIB)), 'less than is used');
  assert.equal(output(await client.run(handle, 'cat first second | wc -c')), `${first.bytes + second.bytes}\n`);
  assert.ok((await fill(client, handle, 'third')).bytes < 64 * 1024);
  output(await client.run(handle, 'rm -f first second third'));
  assert.ok((await fill(client, handle, 'third')).bytes >= 3 * MIB, 'what was removed is free again');

  assert.deepEqual(withoutInodes(await limitDisk(client, handle, { byte_limit: 0n })), bytesInForce(0n), 'none any more');
  assert.deepEqual(await fill(client, handle, 'third'), { bytes: 64 * MIB, reason: '' });
});

test('a limit has many names: blocks win over bytes, hard ones over plain ones, and bytes are whole blocks', async () => {
  const { client, handle } = await server.container();
  const cases: [Fields, bigint][] = [
    [{ byte: 9_000_001n }, 9_000_960n],
    [{ byte_limit: 9_000_001n, byte: 1n }, 9_000_960n],
    [{ byte_hard: 9_000_001n, byte_limit: 1n, byte: 1n }, 9_000_960n],
    [{ block: 9_000n, byte_hard: 1n }, 9_216_000n],
    [{ block_limit: 9_001n, block: 1n }, 9_217_024n],
    [{ block_hard: 9_002n, block_limit: 1n, block: 1n }, 9_218_048n],
    [{ byte_soft: 1_024_000n, byte_hard: 2_048_000n }, 2_048_000n],
    [{ byte_soft: 1_024_000n }, 1_024_000n],
    [{ byte_soft: 1_024_000n, byte_hard: 0n }, 1_024_000n],
    [{ block_limit: 0n }, 0n],
  ];
  for (const [fields, bytes] of cases) {
    const { byte_limit: inForce } = await limitDisk(client, handle, fields);
    // A file system with larger blocks rounds up to its own.
    assert.ok(inForce === bytes || (bytes !== 0n && inForce === (bytes + 4095n) / 4096n * 4096n), `${Object.keys(fields).join()}: ${String(inForce)} instead of ${bytes}`);
  }
});

test('numbers that no disk can have, and soft limits above hard ones, are refused and change nothing', async () => {
  const { client, handle } = await server.container();
  await limitDisk(client, handle, { byte_limit: BigInt(8 * MIB) });
  for (const value of [2n ** 63n, 2n ** 64n - 1n]) {
    for (const name of ['byte_limit', 'byte', 'byte_hard', 'byte_soft', 'block_limit', 'block_hard', 'inode_limit', 'inode_hard', 'inode_soft']) {
      await refused(limitDisk(client, handle, { [name]: value }), 'invalid_argument', /0 is no limit/);
    }
  }
  await refused(limitDisk(client, handle, { block_limit: 2n ** 53n }), 'invalid_argument', /0 is no limit/);
  await refused(limitDisk(client, handle, { block_soft: 9n, block_hard: 8n }), 'invalid_argument', /block_soft: 9 is above the hard limit of 8/);
  await refused(limitDisk(client, handle, { inode_soft: 9n, inode: 8n }), 'invalid_argument', /inode_soft/);
  await refused(limitDisk(client, 'nobody', {}), 'not_found', /^unknown handle$/);
  assert.equal((await limitDisk(client, handle))['byte_limit'], BigInt(8 * MIB));
  assert.ok((await fill(client, handle, 'big')).bytes <= 8 * MIB);
});

test('inodes are limited where the backend counts them, else the error says which backends do', async () => {
  const { client, handle } = await server.container();
  const { disk_backend: backend } = await client.info(handle);
  assert.match(String(backend), /^(project|user|btrfs|image)$/);
  const limited = limitDisk(client, handle, { inode_limit: 100n, byte_limit: BigInt(8 * MIB) });
  if (!INODE_BACKENDS.includes(String(backend))) {
    await refused(limited, 'unsupported', /project and user/);
    assert.equal((await limitDisk(client, handle))['byte_limit'], 0n, 'the limit of bytes beside it is not set either');
    assert.equal((await limitDisk(client, handle, { inode_limit: 0n }))['inode_limit'], 0n);
    return;
  }
  assert.deepEqual(await limited, { ...bytesInForce(BigInt(8 * MIB)), inode: 100n, inode_limit: 100n, inode_soft: 100n, inode_hard: 100n });
  const result = await client.run(handle, 'for i in $(seq 200); do : > f$i || break; done; ls | wc -l');
  assert.match(result.stderr, /Disk quota exceeded|No space left on device/);
  assert.ok(Number(result.stdout) <= 100);
});

test('a stopped container has its limit, too, and can be given another', async () => {
  const { client, handle } = await server.container();
  await limitDisk(client, handle, { byte_limit: BigInt(8 * MIB) });
  await client.stop(handle, { kill: true });
  assert.equal((await limitDisk(client, handle))['byte_limit'], BigInt(8 * MIB));
  assert.equal((await limitDisk(client, handle, { byte_limit: BigInt(9 * MIB) }))['byte_limit'], BigInt(9 * MIB));
});
