import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4Address, parseIpv4Address, parseIpv4Range } from '../../lib/ipv4.js';
import type { NetOutChange } from '../host.js';
import { NetOutChains } from './net-out-chains.js';

const rule = { text: 'tcp *', protocol: 'tcp', network: undefined, ports: undefined, domain: undefined, icmpType: undefined, icmpCode: undefined, log: false } as const;
const address = parseIpv4Address('10.254.0.2')!;
const chains = (): NetOutChains => new NetOutChains('warden_x', parseIpv4Range('10.254.0.0/24')!, { closed: [], denied: [] });

/** What a change is: elements' keys, and chains with the number of their rules. */
function shapeOf({ elements, chains: all }: NetOutChange): [string[], string[]] {
  for (const element of elements) assert.equal(element.jump, `out-${[...element.key].join('.')}`);
  return [elements.map(({ operation, set, key }) => `${operation} ${set} ${[...key].join('.')}`), all.map(({ operation, name, rules }) => `${operation} ${name} ${rules.length}`)];
}

const behind = (containerAddress: number): { containerAddress: number; prefix: number } => ({ containerAddress, prefix: 30 });

function madeOf(change: NetOutChange | undefined): NetOutChange {
  assert.ok(change !== undefined);
  change.ended(true);
  return change;
}

test('the first rule at an address makes its chain and what leads there; one more is that rule alone', () => {
  const all = chains();
  const led = ['ensure net_out 10.254.0.2'];
  const first = all.added(address, rule);
  assert.deepEqual(shapeOf(first), [led, ['add out-10.254.0.2 1']]);
  assert.deepEqual(shapeOf(all.added(address, rule))[0], led, 'not yet answered');
  first.ended(false);
  assert.deepEqual(shapeOf(all.added(address, rule))[0], led, 'it failed');
  madeOf(all.added(address, rule));
  assert.deepEqual(shapeOf(all.added(address, rule)), [[], ['add out-10.254.0.2 1']]);
  all.added(address, rule).ended(false);
  assert.deepEqual(shapeOf(all.added(address, rule))[0], led, 'whoever cannot be sure makes it again');
  assert.deepEqual(all.removed(address, rule), [{ operation: 'add', family: 'inet', table: 'warden_x', name: 'out-10.254.0.2', rules: [], gone: [Buffer.from('\0\x06tcp *\0')] }]);
});

test('rules that replace others lead there again; none at all leave an empty chain for whoever has the address next', () => {
  const all = chains();
  assert.deepEqual(shapeOf(madeOf(all.replaced(address, [rule, rule]))), [['ensure net_out 10.254.0.2'], ['ensure out-10.254.0.2 2']]);
  assert.deepEqual(shapeOf(madeOf(all.replaced(address, [rule]))), [['ensure net_out 10.254.0.2'], ['ensure out-10.254.0.2 1']]);
  assert.deepEqual(shapeOf(madeOf(all.replaced(address, []))), [[], ['ensure out-10.254.0.2 0']]);
  assert.deepEqual(shapeOf(all.added(address, rule))[0], []);
  all.forget();
  assert.deepEqual(shapeOf(all.added(address, rule))[0], ['ensure net_out 10.254.0.2'], 'the tables were loaded');
  assert.deepEqual(shapeOf(madeOf(all.replaced(address, []))), [[], ['ensure out-10.254.0.2 0']]);
  assert.deepEqual(shapeOf(all.added(address, rule))[0], ['ensure net_out 10.254.0.2'], 'an empty chain to which nothing leads');
});

test('chains for containers to come are made once, in time, and not beyond the pool', () => {
  const all = chains();
  const ahead = all.ahead(behind(address));
  assert.equal(all.ahead(behind(address)), undefined, 'it is under way');
  const [elements, made] = shapeOf(madeOf(ahead));
  assert.deepEqual([elements.length, elements[0], elements.at(-1)], [32, 'ensure net_out 10.254.0.6', 'ensure net_out 10.254.0.130']);
  assert.deepEqual([made.length, made[0]], [32, 'add out-10.254.0.6 0']);
  assert.equal(all.ahead(behind(address + 24 * 4)), undefined);
  const next = all.ahead(behind(address + 25 * 4));
  assert.deepEqual(shapeOf(next!)[0].slice(0, 2), ['ensure net_out 10.254.0.134', 'ensure net_out 10.254.0.138'], 'those that are missing');
  next?.ended(false);
  const again = madeOf(all.ahead(behind(address + 25 * 4)));
  assert.equal(shapeOf(again)[0].length, 25);
  const last = madeOf(all.ahead(behind(address + 52 * 4)));
  assert.equal(shapeOf(last)[0].at(-1), 'ensure net_out 10.254.0.254');
  assert.equal(all.ahead(behind(parseIpv4Address('10.254.0.254')!)), undefined);
  assert.equal(all.ahead(behind(parseIpv4Address('192.0.2.2')!)), undefined, `${formatIpv4Address(address)} is of an earlier pool`);
});
