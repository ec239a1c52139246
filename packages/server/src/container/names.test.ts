import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4Address, parseIpv4Address, parseIpv4Range } from '../lib/ipv4.js';
import { silentLog } from '../lib/log.js';
import { Names, noNames, type NamePolicy } from './names.js';
import type { NameRule } from './openings.js';
import { RecordingHost } from './recording-host.js';

const container = parseIpv4Address('10.254.0.2')!;
const at = (text: string): number => parseIpv4Address(text)!;
const found = (text: string, ttlSeconds = 60) => ({ address: at(text), ttlSeconds });
const rule = (pattern: string, port = 443): NameRule => ({ pattern, protocol: 6, ports: { first: port, last: port }, logged: false });
const names = (...rules: NameRule[]): NamePolicy => ({ rules, forwarded: [] });
const forwarder = (...forwarded: ('udp' | 'tcp')[]): NamePolicy => ({ rules: [], forwarded });

function setUp() {
  const host = new RecordingHost();
  const made = new Names(host, { change: (work) => work() }, silentLog, { pool: parseIpv4Range('10.254.0.0/22')!, denied: [parseIpv4Range('192.168.0.0/16')!] });
  return { host, names: made, elements: () => [...host.elements].sort() };
}

test('a container with domain rules asks the resolver, for the names in them; without any it does not', async () => {
  const { host, names: of, elements } = setUp();
  await of.change(container, names(rule('a.test'), rule('a.test', 80), rule('*.b.test')));
  assert.deepEqual(host.served.get(container), ['a.test', '*.b.test']);
  assert.deepEqual(elements(), ['questions 10.254.0.2 restricted']);
  await of.change(container, noNames);
  assert.deepEqual([host.served.size, elements()], [0, []]);
});

test('a container that has no names costs nothing', async () => {
  const { host, names: of } = setUp();
  await of.change(container, noNames);
  assert.deepEqual(await of.detach(container), []);
  assert.deepEqual(host.calls, []);
});

test('what an answer says is open, as far as the rules want it, before it is told', async () => {
  const { names: of, elements } = setUp();
  await of.change(container, names(rule('a.test'), rule('*.test', 80)));
  assert.deepEqual(await of.open(container, 'a.test', [found('198.51.100.1'), found('198.51.100.2'), found('198.51.100.1')]), [at('198.51.100.1'), at('198.51.100.2')]);
  assert.deepEqual(elements(), ['10.254.0.2 198.51.100.1 6 443', '10.254.0.2 198.51.100.1 6 80', '10.254.0.2 198.51.100.2 6 443', '10.254.0.2 198.51.100.2 6 80'].map((element) => `opened ${element}`).concat('questions 10.254.0.2 restricted'));
  assert.deepEqual(await of.open(container, 'other.example', [found('198.51.100.3')]), []);
  assert.deepEqual(await of.open(container + 4, 'a.test', [found('198.51.100.3')]), [], 'a container without rules');
  assert.equal(elements().length, 5);
});

test('no name opens another container, loopback, link-local, denied or no proper addresses', async () => {
  const { names: of, elements } = setUp();
  await of.change(container, names(rule('*.test')));
  const never = ['10.254.0.1', '10.254.0.6', '10.254.3.255', '127.0.0.1', '127.255.255.255', '169.254.169.254', '192.168.1.1', '0.0.0.0', '0.1.2.3', '224.0.0.1', '240.0.0.1', '255.255.255.255'];
  assert.deepEqual(await of.open(container, 'evil.test', [...never, '10.0.0.1'].map((text) => found(text))), [at('10.0.0.1')]);
  assert.deepEqual(elements().filter((element) => element.startsWith('opened')), ['opened 10.254.0.2 10.0.0.1 6 443']);
});

test('an answer that comes when the one before is running out waits for its end, so that nothing is deleted that may be gone', async () => {
  const { host, names: of, elements } = setUp();
  await of.change(container, names(rule('a.test')));
  await of.open(container, 'a.test', [found('198.51.100.1', 1)]);
  host.clock.advance(1001);
  const opened = of.open(container, 'a.test', [found('198.51.100.1', 1)]);
  await Promise.resolve();
  assert.deepEqual(host.clock.delays, [249]);
  const { changeFirewall } = host.launcher;
  let operations: string[] = [];
  host.launcher.changeFirewall = (changes) => {
    operations = changes.map(({ operation }) => operation);
    return changeFirewall(changes);
  };
  host.clock.advance(249);
  assert.deepEqual(await opened, [at('198.51.100.1')]);
  assert.deepEqual([operations, elements().length], [['add'], 2]);
});

test('a rule that goes closes what it opened; the same answer opens it no more', async () => {
  const { names: of, elements } = setUp();
  await of.change(container, names(rule('a.test'), rule('b.test', 80)));
  await of.open(container, 'a.test', [found('198.51.100.1')]);
  await of.open(container, 'b.test', [found('198.51.100.1')]);
  await of.change(container, names(rule('b.test', 80)));
  assert.deepEqual(elements(), ['opened 10.254.0.2 198.51.100.1 6 80', 'questions 10.254.0.2 restricted']);
  assert.deepEqual(await of.open(container, 'a.test', [found('198.51.100.1')]), []);
});

test('when a change fails, the policy is what it was', async () => {
  for (const moment of ['before', 'after'] as const) {
    for (const call of [1, 2]) {
      const { host, names: of, elements } = setUp();
      await of.change(container, names(rule('a.test')));
      await of.open(container, 'a.test', [found('198.51.100.1')]);
      host.failCall(call, moment);
      await assert.rejects(of.change(container, names(rule('b.test'))), /made to fail/);
      host.repair();
      assert.deepEqual(await of.open(container, 'b.test', [found('198.51.100.1')]), []);
      assert.deepEqual(await of.open(container, 'a.test', [found('198.51.100.1')]), [at('198.51.100.1')]);
      assert.deepEqual([host.served.get(container), elements()], [['a.test'], ['opened 10.254.0.2 198.51.100.1 6 443', 'questions 10.254.0.2 restricted']]);
    }
  }
});

test('an answer that cannot be opened is not told, and the next one is', async () => {
  for (const moment of ['before', 'after'] as const) {
    const { host, names: of, elements } = setUp();
    await of.change(container, names(rule('a.test')));
    host.failCall(1, moment);
    await assert.rejects(of.open(container, 'a.test', [found('198.51.100.1')]), /made to fail/);
    host.repair();
    assert.deepEqual(await of.open(container, 'a.test', [found('198.51.100.1')]), [at('198.51.100.1')]);
    assert.deepEqual(elements(), ['opened 10.254.0.2 198.51.100.1 6 443', 'questions 10.254.0.2 restricted']);
  }
});

test('of a container that goes everything goes, and nothing is opened any more', async () => {
  const { host, names: of } = setUp();
  await of.change(container, names(rule('a.test')));
  const [, elements, late] = await Promise.all([of.open(container, 'a.test', [found('198.51.100.1')]), of.detach(container), of.open(container, 'a.test', [found('198.51.100.2')])]);
  assert.deepEqual(late, []);
  await host.launcher.changeFirewall(elements);
  of.drop(container);
  assert.deepEqual([host.leftovers(), host.served.size], [[], 0]);
  await of.change(container, noNames);
});

test('a forwarder answers by the protocols it may; domain rules take its place', async () => {
  const { host, names: of, elements } = setUp();
  await of.change(container, forwarder('udp'));
  assert.deepEqual([host.served.get(container), elements()], [[], ['questions 10.254.0.2 forwarded udp']]);
  await of.change(container, forwarder('udp', 'tcp'));
  assert.deepEqual(elements(), ['questions 10.254.0.2 forwarded tcp', 'questions 10.254.0.2 forwarded udp']);
  await of.change(container, { rules: [rule('a.test')], forwarded: ['udp', 'tcp'] });
  assert.deepEqual([host.served.get(container), elements()], [['a.test'], ['questions 10.254.0.2 restricted']]);
  await of.change(container, forwarder('tcp'));
  assert.deepEqual([host.served.get(container), elements()], [[], ['questions 10.254.0.2 forwarded tcp']]);
});

test('a container that is being made can be answered from the beginning', async () => {
  const { host, names: of } = setUp();
  const elements = of.prepare(container, forwarder('udp', 'tcp'));
  assert.equal(elements.length, 2);
  assert.deepEqual(host.served.get(container), []);
  assert.deepEqual((await of.detach(container)).map(({ operation }) => operation), ['delete', 'delete']);
});

test('an earlier server\'s container: what was found is in the tables from the start, with the time that is left', async () => {
  const { host, names: of } = setUp();
  host.clock.advance(10_000);
  of.restore(container, names(rule('a.test')), [{ address: at('198.51.100.1'), pattern: 'a.test', untilMs: 15_000 }, { address: at('198.51.100.2'), pattern: 'a.test', untilMs: 9000 }]);
  of.begin();
  assert.deepEqual(host.served.get(container), ['a.test']);
  const { resolverPort, containers } = of.state(40_000);
  assert.deepEqual([resolverPort, containers.map(({ restricted, openings }) => [restricted, openings.map(({ opening, timeoutMs }) => `${formatIpv4Address(opening.address)} ${timeoutMs}`)])], [40_000, [[true, ['198.51.100.1 5000']]]]);
  assert.deepEqual(of.foundFor(container), [{ address: at('198.51.100.1'), pattern: 'a.test', untilMs: 15_000 }]);
});
