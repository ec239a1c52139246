import assert from 'node:assert/strict';
import { test } from 'node:test';
import { droppingChains, isForwardDropped } from './foreign-firewall.js';

const listing = `# Warning: iptables-legacy tables present, use iptables-legacy to see them
table ip filter {
\tchain INPUT {
\t\ttype filter hook input priority filter; policy drop;
\t}
\tchain FORWARD {
\t\ttype filter hook forward priority filter; policy drop;
\t}
\tchain DOCKER-USER {
\t}
}
table inet firewalld {
\tchain filter_FORWARD {
\t\ttype filter hook forward priority filter + 10; policy accept;
\t}
\tchain strict {
\t\ttype filter hook forward priority filter + 20; policy drop;
\t}
}
table ip6 filter {
\tchain FORWARD {
\t\ttype filter hook forward priority filter; policy drop;
\t}
}
table inet warden {
\tchain forward {
\t\ttype filter hook forward priority filter; policy drop;
\t}
}
`;

test('chains at the hook forward whose policy is drop are named, but for those of IPv6 and our own', () => {
  assert.deepEqual(droppingChains(listing, 'warden'), ['chain FORWARD of table ip filter', 'chain strict of table inet firewalld']);
  assert.deepEqual(droppingChains('', 'warden'), []);
});

test('the policy of iptables-legacy is read from its rules', () => {
  assert.equal(isForwardDropped('-P FORWARD DROP\n-A FORWARD -i w-+ -j ACCEPT\n'), true);
  assert.equal(isForwardDropped('-P FORWARD ACCEPT\n-A FORWARD -j DROP\n'), false);
});
