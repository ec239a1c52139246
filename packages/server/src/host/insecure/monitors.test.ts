import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobDescription, Monitor, OutputSink, OutputWish } from '../monitor.js';
import type { TransferOrder } from '../transfer.js';
import { plainCopy } from './copies.js';
import { isListening } from './listening.js';
import { InsecureMonitors, plainJob, plainTransfer } from './monitors.js';
import { inRoot, onMachine } from './places.js';

const directory = '/depot/containers/0abc';
const root = `${directory}/rootfs`;
const user = { uid: 1000, gid: 100, name: 'me' };
const job: JobDescription = {
  jobId: 1, command: 'x', argv: ['/bin/bash'], environment: ['LANG=C', 'HOME=/home/vcap', 'USER=vcap', 'PATH=/bin'], script: Buffer.from('x'), workingDirectory: '/home/vcap', requireDirectory: false, userName: undefined, uid: 10_000, gid: 10_000,
  privileged: false, rlimits: [{ resource: 6, soft: 2n ** 64n - 1n, hard: 2n ** 64n - 1n }, { resource: 7, soft: 1024n, hard: 1024n }], outputLimitInBytes: 0n, discard: false, log: undefined, openInput: false, terminal: undefined, timeoutMs: undefined,
};
const refusal = { code: 'unsupported', message: /user other: plain processes .* own user, me/ };

test('paths of requests are below the root; those that a job has told, which begin with it, are the same', () => {
  assert.equal(onMachine(directory, '/tmp/x'), `${root}/tmp/x`);
  assert.equal(onMachine(directory, 'x'), `${root}/home/vcap/x`);
  assert.equal(onMachine(directory, `${root}/tmp/x`), `${root}/tmp/x`);
  assert.equal(onMachine(directory, `${root}s/x`), `${root}${root}s/x`);
  assert.deepEqual(['/../../etc', '../../../x', `${root}/../../x`, `${root}/tmp/../..`, root].map((path) => onMachine(directory, path)), [`${root}/etc`, `${root}/x`, `${root}/x`, `${root}/`, `${root}/`]);
  const inside = (path: string): string => Buffer.from(inRoot(directory, Buffer.from(path))).toString();
  assert.deepEqual(['/tmp/x', 'x', `${root}/tmp/x`, root, `${root}/`, `${root}s`].map(inside), ['/tmp/x', 'x', '/tmp/x', '/', '/', `${root}s`]);
});

test('a job is the server\'s user\'s, in a home of its own; what the request says of its environment stays; what is not limited is left alone', () => {
  const plain = plainJob(job, directory, user);
  assert.deepEqual(plain, {
    ...job, environment: ['LANG=C', `HOME=${root}/home/vcap`, 'USER=me', 'PATH=/bin'], workingDirectory: `${root}/home/vcap`, uid: 1000, gid: 100, rlimits: [{ resource: 7, soft: 1024n, hard: 1024n }],
  });
  const asked = plainJob({ ...job, environment: ['HOME=/x', 'USER=you'], workingDirectory: '/srv', requireDirectory: true, privileged: true }, directory, user);
  assert.deepEqual([asked.environment, asked.workingDirectory, asked.privileged], [['HOME=/x', 'USER=you'], `${root}/srv`, false]);
  assert.equal(plainJob({ ...job, workingDirectory: '/root', privileged: true }, directory, user).workingDirectory, `${root}/home/vcap`);
  for (const name of ['vcap', 'root', 'me', '1000']) {
    const named = plainJob({ ...job, userName: name, environment: ['PATH=/bin'], workingDirectory: undefined }, directory, user);
    assert.deepEqual([named.userName, named.environment, named.workingDirectory], [undefined, ['PATH=/bin', `HOME=${root}/home/vcap`, 'USER=me'], `${root}/home/vcap`]);
  }
  assert.throws(() => plainJob({ ...job, userName: 'other' }, directory, user), refusal);
});

test('work on files is the server\'s user\'s, too; only a rename\'s target is a path', () => {
  const order: TransferOrder = { operation: 'rename', user: { uid: 0, gid: 0, privileged: true, home: '/root' }, path: Buffer.from(`${root}/a`), target: Buffer.from(`${root}/b`) };
  const plain = plainTransfer(order, directory, user);
  assert.deepEqual(plain.user, { uid: 1000, gid: 100, privileged: false, home: '/home/vcap' });
  assert.deepEqual([plain.path, plain.target].map((path) => Buffer.from(path ?? []).toString()), ['/a', '/b']);
  assert.equal(plainTransfer({ ...order, operation: 'tarOut' }, directory, user).target, order.target);
  assert.throws(() => plainTransfer({ ...order, user: { name: 'other' } }, directory, user), refusal);
});

test('who follows a job gets what it wishes of the output', async () => {
  const wishes: (OutputWish | undefined)[] = [];
  const follow: Monitor['follow'] = async (_jobId, _sink, wish) => {
    wishes.push(wish);
    return { exit: Promise.resolve({ kind: 'lost' }), resume: () => undefined, close: () => undefined };
  };
  const monitor = new InsecureMonitors({ open: () => ({ follow } as Monitor) }, () => directory, user).open('0abc');
  const sink: OutputSink = { output: () => true };
  for (const wish of [{ upToInBytes: 5 }, { only: 'stderr' } as const]) await monitor.follow(1, sink, wish);
  assert.deepEqual(wishes, [{ upToInBytes: 5 }, { only: 'stderr' }]);
});

test('a copy begins and ends where its direction says', () => {
  const order = { directory, source: `${root}/a`, destination: `${root}/b`, user: { uid: 1, gid: 1, home: '/home/vcap' }, writable: ['/x'], owner: undefined, keepSetId: false, entryLimit: 1n, byteLimit: 1n };
  const [into, out] = [plainCopy({ ...order, direction: 'in' }, user), plainCopy({ ...order, direction: 'out' }, user)];
  assert.deepEqual([into.source, into.destination, out.source, out.destination], [`${root}/a`, '/b', '/a', `${root}/b`]);
  assert.deepEqual([into.owner, into.user.uid, into.writable], [{ uid: 1000, gid: 100 }, 1000, []]);
});

test('who listens is read from the kernel\'s tables', () => {
  const head = '  sl  local_address rem_address   st tx_queue\n';
  const tables: Record<string, string> = {
    '/proc/net/tcp': `${head}   0: 0100007F:1F90 00000000:0000 0A 0:0\n   1: 0100007F:1F91 0100007F:C000 01 0:0\n`,
    '/proc/net/tcp6': `${head}   0: 00000000000000000000000000000000:1F92 00000000000000000000000000000000:0000 0A 0:0\n`,
    '/proc/net/udp': `${head}  10: 00000000:0035 00000000:0000 07 0:0\n  11: 0100007F:0036 0100007F:C000 01 0:0\n`,
  };
  const listening = (protocol: 'tcp' | 'udp', port: number): boolean => isListening(protocol, port, (path) => tables[path] ?? '');
  assert.deepEqual([8080, 8081, 8082, 80].map((port) => listening('tcp', port)), [true, false, true, false]);
  assert.deepEqual([53, 54, 8080].map((port) => listening('udp', port)), [true, false, false]);
});
