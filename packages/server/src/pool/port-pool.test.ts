import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PortPool, portPoolRange } from './port-pool.js';

const pool = (): PortPool => new PortPool({ first: 61_001, last: 61_003 });

test('every port of the range once, then none', () => {
  const ports = pool();
  assert.deepEqual([1, 2, 3, 4].map(() => ports.acquire('tcp')), [61_001, 61_002, 61_003, undefined]);
});

test('TCP and UDP have ports of their own', () => {
  const ports = pool();
  assert.equal(ports.acquire('tcp'), 61_001);
  assert.equal(ports.acquire('udp'), 61_001);
  assert.ok(ports.claim('tcp', 80));
  assert.ok(ports.claim('udp', 80));
});

test('a claimed port is handed out to nobody, wherever it lies', () => {
  const ports = pool();
  assert.ok(ports.claim('tcp', 61_002));
  assert.ok(!ports.claim('tcp', 61_002));
  assert.ok(ports.claim('tcp', 8080));
  assert.ok(!ports.claim('tcp', 8080));
  assert.deepEqual([1, 2, 3].map(() => ports.acquire('tcp')), [61_001, 61_003, undefined]);
  ports.release('tcp', 8080);
  assert.equal(ports.acquire('tcp'), undefined, 'a port outside the range does not come into the pool');
  assert.ok(ports.claim('tcp', 8080));
});

test('what was given back is handed out last, and once', () => {
  const ports = pool();
  assert.equal(ports.acquire('tcp'), 61_001);
  assert.equal(ports.acquire('tcp'), 61_002);
  ports.release('tcp', 61_002);
  ports.release('tcp', 61_001);
  ports.release('tcp', 61_001);
  assert.deepEqual([1, 2, 3, 4].map(() => ports.acquire('tcp')), [61_003, 61_002, 61_001, undefined]);
});

test('a claimed port that was given back before its turn comes in its turn', () => {
  const ports = pool();
  assert.ok(ports.claim('tcp', 61_003));
  ports.release('tcp', 61_003);
  assert.deepEqual([1, 2, 3, 4].map(() => ports.acquire('tcp')), [61_001, 61_002, 61_003, undefined]);
});

test('a port in use by a program of the host can be passed over and given back', () => {
  const ports = pool();
  const first = ports.acquire('tcp');
  assert.equal(ports.acquire('tcp'), 61_002);
  ports.release('tcp', first ?? 0);
  assert.deepEqual([ports.acquire('tcp'), ports.acquire('tcp')], [61_003, 61_001]);
});

test('the default lies above the kernel\'s own ports, or from 60000 up, and has a thousand ports at least', () => {
  const none = { startPort: undefined, size: undefined };
  assert.deepEqual(portPoolRange(none, { first: 32_768, last: 60_999 }), { first: 61_000, last: 65_535 });
  assert.deepEqual(portPoolRange(none, { first: 10_000, last: 20_000 }), { first: 60_000, last: 65_535 });
  assert.deepEqual(portPoolRange(none, { first: 1024, last: 65_535 }), { first: 60_000, last: 65_535 });
  assert.deepEqual(portPoolRange(none, { first: 1024, last: 64_535 }), { first: 64_536, last: 65_535 });
  assert.deepEqual(portPoolRange(none, { first: 1024, last: 64_536 }), { first: 60_000, last: 65_535 });
  assert.deepEqual(portPoolRange({ startPort: undefined, size: 6000 }, { first: 32_768, last: 60_999 }), { first: 59_536, last: 65_535 });
  assert.deepEqual(portPoolRange({ startPort: 20_000, size: undefined }, { first: 32_768, last: 60_999 }), { first: 20_000, last: 65_535 });
  assert.deepEqual(portPoolRange({ startPort: 61_001, size: 4534 }, { first: 32_768, last: 60_999 }), { first: 61_001, last: 65_534 });
});
