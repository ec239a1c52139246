import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4Address, parseIpv4Address, parseIpv4Range } from '../lib/ipv4.js';
import { NetworkPool, type ContainerNetwork } from './network-pool.js';

function pool(text: string, releaseDelayMs: number): NetworkPool {
  return new NetworkPool(parseIpv4Range(text)!, releaseDelayMs);
}

function addresses(network: ContainerNetwork | undefined): string[] | undefined {
  return network === undefined ? undefined : [formatIpv4Address(network.hostAddress), formatIpv4Address(network.containerAddress)];
}

test('hands out /30s until none is left', () => {
  const networks = pool('10.254.0.0/29', 0);
  assert.equal(networks.size, 2);
  assert.deepEqual(addresses(networks.acquire(0)), ['10.254.0.1', '10.254.0.2']);
  assert.deepEqual(addresses(networks.acquire(0)), ['10.254.0.5', '10.254.0.6']);
  assert.equal(networks.acquire(0), undefined);
});

test('a released network rests', () => {
  const networks = pool('10.254.0.0/30', 5000);
  const network = networks.acquire(0)!;
  networks.release(network, 1000);
  assert.equal(networks.acquire(5999), undefined);
  assert.equal(networks.claim(network.containerAddress, 5999), undefined);
  assert.deepEqual(networks.acquire(6000), network);
});

test('every address of a /30 claims it, once', () => {
  const networks = pool('10.254.0.0/28', 0);
  for (const text of ['10.254.0.4', '10.254.0.5', '10.254.0.6', '10.254.0.7']) {
    const network = networks.claim(parseIpv4Address(text)!, 0);
    assert.deepEqual(addresses(network), ['10.254.0.5', '10.254.0.6']);
    assert.equal(networks.claim(parseIpv4Address(text)!, 0), undefined);
    networks.forget(network!);
  }
  for (const text of ['10.253.255.255', '10.254.0.16', '0.0.0.0', '255.255.255.255']) assert.equal(networks.claim(parseIpv4Address(text)!, 0), undefined, text);
});

test('a claimed network is not handed out, and comes back once', () => {
  const networks = pool('10.254.0.0/29', 0);
  const claimed = networks.claim(parseIpv4Address('10.254.0.6')!, 0)!;
  const other = networks.acquire(0)!;
  assert.notEqual(other.network, claimed.network);
  assert.equal(networks.acquire(0), undefined);
  networks.release(claimed, 0);
  networks.release(claimed, 0);
  assert.deepEqual(networks.acquire(0), claimed);
  assert.equal(networks.acquire(0), undefined);
});

test('a living container keeps a network outside the pool, but not one that is taken', () => {
  const networks = pool('10.254.0.0/29', 0);
  const outside = networks.restore(parseIpv4Address('10.99.0.0')!, 0);
  assert.deepEqual(addresses(outside), ['10.99.0.1', '10.99.0.2']);
  networks.release(outside!, 0);
  assert.ok(networks.restore(parseIpv4Address('10.254.0.0')!, 0));
  assert.equal(networks.restore(parseIpv4Address('10.254.0.0')!, 0), undefined);
});

test('any sequence keeps networks apart', () => {
  const networks = pool('10.254.0.0/26', 3);
  const held = new Map<number, ContainerNetwork>();
  let seed = 12345;
  const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
  for (let now = 0; now < 20_000; now++) {
    if (random(2) === 0) {
      const network = random(3) === 0 ? networks.claim(parseIpv4Address('10.254.0.0')! + random(64), now) : networks.acquire(now);
      if (network === undefined) continue;
      assert.equal(held.has(network.network), false);
      held.set(network.network, network);
    } else {
      const [first] = [...held.values()].slice(random(Math.max(held.size, 1)));
      if (first === undefined) continue;
      held.delete(first.network);
      if (random(4) === 0) networks.forget(first);
      else networks.release(first, now);
    }
  }
  for (const network of held.values()) networks.release(network, 20_000);
  const all = new Set(Array.from({ length: 16 }, () => networks.acquire(30_000)?.network));
  assert.equal(all.size, 16);
  assert.equal(all.has(undefined), false);
});

test('networks that an earlier server gave back rest until their time, whatever order they come in, and no longer than the delay of today', () => {
  const networks = pool('10.254.0.0/27', 100);
  const first = parseIpv4Address('10.254.0.0')!;
  const taken = networks.restore(first, 0)!;
  networks.release(networks.acquire(0)!, 0);
  networks.rest([
    { network: first, freeFromMs: 50 },
    { network: first + 8, freeFromMs: 90 },
    { network: first + 12, freeFromMs: 30 },
    { network: first + 16, freeFromMs: 5000 },
    { network: first + 20, freeFromMs: 0 },
    { network: 1, freeFromMs: 50 },
  ], 0);
  const numbers = (now: number): number[] => {
    const found: number[] = [];
    for (let network = networks.acquire(now); network !== undefined; network = networks.acquire(now)) found.push((network.network - first) / 4);
    return found.sort();
  };
  assert.deepEqual(numbers(0), [5, 6, 7]);
  assert.deepEqual(numbers(30), [3]);
  assert.deepEqual(numbers(90), [2]);
  assert.deepEqual(numbers(100), [1, 4]);
  assert.equal(taken.network, first);
});
