import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpv4Range } from '../../lib/ipv4.js';
import { LinuxFirewall } from './firewall.js';
import { firewallRules, removalRules, type FirewallPolicy } from './firewall-rules.js';

const range = (text: string) => parseIpv4Range(text)!;
const policy: FirewallPolicy = { table: 'warden_x', pool: range('10.254.0.0/22'), denied: [], allowed: [], allowHostAccess: false, connectionLimit: 100, connectionRate: 50 };
const names = { resolverPort: 0, containers: [] };
const none = { interfaces: [], sources: [], names, forwarded: [], forwardedTo: [] };
const link = { hostName: 'w-demo-0', containerMac: Uint8Array.of(2, 0, 10, 254, 0, 2), containerAddress: 0x0afe_0002 };

/** The lines of one chain. */
function chain(rules: string, name: string): string[] {
  const body = new RegExp(`chain ${name} \\{\\n([^]*?)\\n  \\}`).exec(rules)?.[1];
  assert.ok(body !== undefined, name);
  return body.split('\n').map((line) => line.trim()).filter((line) => line !== '');
}

function setOf(rules: string, name: string): string | undefined {
  return new RegExp(`(?:set|map) ${name} \\{.*?elements = \\{ (.*?) \\}`).exec(rules)?.[1];
}

test('both tables are replaced in one transaction', () => {
  const rules = firewallRules(policy, none);
  assert.ok(rules.startsWith(removalRules('warden_x')));
  for (const family of ['inet', 'arp']) {
    assert.ok(rules.includes(`add table ${family} warden_x\ndelete table ${family} warden_x\n`));
    assert.ok(rules.includes(`\ntable ${family} warden_x {\n`));
  }
});

test('by default a container reaches nothing', () => {
  const rules = firewallRules(policy, none);
  assert.deepEqual(chain(rules, 'to_host').slice(1), ['ct state established,related accept', 'ct state new jump capped', 'goto refuse']);
  assert.deepEqual(chain(rules, 'from_container').at(-1), 'goto refuse');
  assert.equal(setOf(rules, 'allowed'), undefined);
  assert.deepEqual(chain(rules, 'pinned').at(-1), 'drop');
});

test('allow_host_access opens the host and nothing else', () => {
  const open = firewallRules({ ...policy, allowHostAccess: true }, none);
  assert.deepEqual(chain(open, 'to_host').at(-1), 'accept');
  assert.deepEqual(chain(open, 'from_container'), chain(firewallRules(policy, none), 'from_container'));
});

test('allow_host_access opens neither loopback nor link-local addresses of the host, but where allow_networks names them', () => {
  const open = firewallRules({ ...policy, allowHostAccess: true, allowed: [range('0.0.0.0/0'), range('169.254.7.7')] }, none);
  assert.deepEqual(chain(open, 'to_host').slice(3), [
    'ip daddr 127.0.0.0-127.255.255.255 ip daddr != @allowed_by_name goto refuse',
    'ip daddr 169.254.0.0-169.254.255.255 ip daddr != @allowed_by_name goto refuse',
    'accept',
  ]);
  assert.equal(setOf(open, 'allowed_by_name'), '169.254.7.7');
});

test('a container\'s address is taken from nobody else', () => {
  assert.deepEqual(chain(firewallRules(policy, none), 'prerouting').slice(1), ['iifname @interfaces goto pinned', 'iifname != "lo" ip saddr @pool drop']);
});

test('denied comes before allowed, and a wildcard opens neither containers nor link-local nor loopback', () => {
  const rules = firewallRules({ ...policy, allowed: [range('0.0.0.0/0'), range('169.254.1.1'), range('10.254.1.0/30')], denied: [range('192.0.2.0/24')] }, none);
  const verdicts = chain(rules, 'from_container');
  const place = (text: string): number => verdicts.findIndex((line) => line.includes(text));
  assert.ok(place('@denied') < place('@allowed_by_name'));
  assert.ok(place('@allowed_by_name') < place('@closed'));
  assert.ok(place('@closed') < place('@allowed accept'));
  assert.equal(setOf(rules, 'allowed'), '0.0.0.0-255.255.255.255');
  assert.equal(setOf(rules, 'allowed_by_name'), '169.254.1.1, 10.254.1.0-10.254.1.3');
  assert.equal(setOf(rules, 'closed'), '127.0.0.0-127.255.255.255, 169.254.0.0-169.254.255.255, 10.254.0.0-10.254.3.255');
  assert.equal(setOf(rules, 'denied'), '192.0.2.0-192.0.2.255');
});

test('a container\'s own rules come behind established connections and before all else but questions for names and closed ports', () => {
  const verdicts = chain(firewallRules(policy, none), 'from_container');
  assert.deepEqual(verdicts.toSpliced(1, 1).slice(0, 5), ['meta l4proto { tcp, udp } th dport 53 ip saddr @restricted_names ct direction original goto refuse', 'ct state established,related accept', 'ct state new jump capped', 'ct state invalid,untracked drop', 'ip frag-off & 0xbfff != 0 drop']);
  assert.deepEqual(verdicts.slice(6, 8), ['ip saddr vmap @net_out', 'ip frag-off & 0xbfff != 0 jump noted']);
  assert.match(verdicts[1] ?? '', /ct direction reply .*!= @forwarded_to goto refuse$/);
});

test('what names have opened is asked for behind all that they must not open', () => {
  const verdicts = chain(firewallRules(policy, none), 'from_container');
  const place = (text: string): number => verdicts.findIndex((line) => line.includes(text));
  for (const closed of ['@denied goto refuse', '@closed goto refuse', 'oifname @interfaces goto refuse']) assert.ok(place(closed) >= 0 && place(closed) < place('jump opened'), closed);
});

test('only redirected questions of containers reach the resolver, and not too many', () => {
  const rules = firewallRules(policy, none);
  assert.equal(chain(rules, 'input')[1], 'meta l4proto { tcp, udp } th dport @resolver_ports goto questions');
  assert.deepEqual(chain(rules, 'questions'), ['iifname != @interfaces drop', 'update @asking { ip saddr limit rate over 200/second burst 400 packets } drop', 'ct status dnat accept', 'drop']);
});

test('log lines are limited for all containers together, and what is not logged is accepted all the same', () => {
  assert.deepEqual(chain(firewallRules(policy, none), 'logged'), ['limit rate 8/second burst 2 packets log prefix "warden_x: " level info', 'accept']);
});

test('new connections are counted before anything decides about them, unless there is no limit', () => {
  const rules = firewallRules(policy, none);
  assert.match(rules, /chain capped \{\n +add @connection_rates \{ ip saddr limit rate over 50\/second burst 50 packets \} drop\n +add @connections \{ ip saddr ct count over 100 \} goto refuse\n {2}\}\n/);
  for (const name of ['from_container', 'to_host']) assert.match(chain(rules, name).join(), /ct state established,related accept,ct state new jump capped,/);
  assert.match(rules, /set connections \{ type ipv4_addr; size 256; flags dynamic; \}/);
  const open = firewallRules({ ...policy, connectionLimit: 0, connectionRate: 0 }, none);
  assert.match(open, /chain capped \{\n {2}\}/);
});

test('containers that live already are in the tables from the start', () => {
  const rules = firewallRules(policy, { ...none, interfaces: ['"w-a-0"', '"w-b-0"'], sources: ['"w-a-0" . 02:00:0a:fe:00:02 . 10.254.0.2'] });
  assert.equal(setOf(rules, 'interfaces'), '"w-a-0", "w-b-0"');
  assert.equal(setOf(rules, 'senders'), '"w-a-0" . 02:00:0a:fe:00:02 . 10.254.0.2');
});

test('keys are laid out as nftables does: name of 16 bytes, MAC padded to 8, address', () => {
  const elements = new LinuxFirewall(policy, { now: () => 0 }).elementsOf(link, 'ensure');
  assert.deepEqual(elements.map(({ family, set }) => `${family} ${set}`), ['inet sources', 'inet interfaces', 'arp senders', 'arp interfaces']);
  const hex = Buffer.from('w-demo-0').toString('hex').padEnd(32, '0');
  assert.equal(Buffer.from(elements[0]!.key).toString('hex'), `${hex}02000afe000200000afe0002`);
  assert.equal(Buffer.from(elements[1]!.key).toString('hex'), hex);
  assert.ok(elements.every(({ operation, table }) => operation === 'ensure' && table === 'warden_x'));
});

test('a port of the host leads to a container only by its elements, from outside and from the host itself', () => {
  const rules = firewallRules(policy, { ...none, forwarded: ['tcp . 61001 : 10.254.0.2 . 80'], forwardedTo: ['10.254.0.2 . tcp . 80'] });
  assert.equal(setOf(rules, 'forwarded'), 'tcp . 61001 : 10.254.0.2 . 80');
  assert.equal(setOf(rules, 'forwarded_to'), '10.254.0.2 . tcp . 80');
  for (const name of ['to_ports', 'to_ports_from_host']) assert.ok(chain(rules, name).includes('ip daddr != 127.0.0.0/8 fib daddr type local goto lead_to_container'), name);
  const verdicts = chain(rules, 'to_container');
  assert.match(verdicts[0] ?? '', /ct status dnat ct direction original .*!= @forwarded_to goto refuse$/, 'a closed port ends what came by it');
  assert.match(verdicts[2] ?? '', /^ct status dnat .*@forwarded_to accept$/);
  for (const name of ['to_host', 'from_container']) assert.ok(chain(rules, name).some((line) => /ct direction reply .*!= @forwarded_to goto refuse$/.test(line)), name);
  assert.equal(verdicts.at(-1), 'goto refuse');
});

test('keys and data of a port: the protocol in a register of its own, ports in network order', () => {
  const forward = { protocol: 'udp', hostPort: 61_001, address: 0x0afe_0002, containerPort: 80 } as const;
  const elements = new LinuxFirewall(policy, { now: () => 0 }).portElementsOf(forward, 'ensure');
  const hex = elements.map(({ set, key, data }) => `${set} ${Buffer.from(key).toString('hex')} ${data === undefined ? '' : Buffer.from(data).toString('hex')}`);
  assert.deepEqual(hex, ['forwarded 11000000ee490000 0afe000200500000', 'forwarded_to 0afe00021100000000500000 ']);
  assert.deepEqual(new LinuxFirewall(policy, { now: () => 0 }).portElementsOf(forward, 'delete', true).map(({ set }) => set), ['forwarded'], 'what another port needs stays');
  assert.ok(elements.every(({ operation, family, table }) => operation === 'ensure' && family === 'inet' && table === 'warden_x'));
});
