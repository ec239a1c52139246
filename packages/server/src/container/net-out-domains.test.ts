/* Rules of net_out with a domain: what they change, what a failure leaves, and what a restart finds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetOutProtocol } from 'warden-protocol';
import { parseIpv4Address } from '../lib/ipv4.js';
import { adoptContainers } from './adopt.js';
import { destroyContainer } from './destroy.js';
import { addNetOut, removeNetOut } from './net-out.js';
import { recordState } from './snapshot.js';
import { makeTestContainers } from './test-containers.js';

const api = { domain: 'api.example.com', port: 443 };
const wild = { domain: '*.example.com', protocol: NetOutProtocol.ALL };
const server = parseIpv4Address('198.51.100.1')!;

async function scene() {
  const made = makeTestContainers();
  const container = await made.create({ handle: 'demo' });
  const address = container.link.containerAddress;
  const now = () => ({
    names: [...made.host.elements].filter((element) => /^(?:questions|opened) /.test(element)).sort(),
    chains: [...made.host.elements].filter((element) => element.includes('net_out')),
    served: made.host.served.get(address),
    rules: container.netOut.map(({ text }) => text),
    written: (JSON.parse((made.host.snapshots.get(container.id) ?? '').split('\n')[0] ?? '') as { netOut?: unknown }).netOut,
  });
  return { ...made, container, address, now };
}

test('a domain rule is no rule of the chain: the resolver knows it, and questions go there; without the last one nothing is left', async () => {
  const { containers, container, now } = await scene();
  const before = now();
  await addNetOut(containers, container, api);
  await addNetOut(containers, container, wild);
  assert.deepEqual(now(), {
    names: ['questions 10.254.0.2 restricted'], chains: [], served: ['api.example.com', '*.example.com'], rules: ['tcp api.example.com 443', 'all *.example.com'],
    written: [{ domain: 'api.example.com', port: 443, protocol: 0 }, { domain: '*.example.com', protocol: 3 }],
  });
  await removeNetOut(containers, container, { domain: 'API.example.com.', port: 443 });
  assert.deepEqual(now().served, ['*.example.com']);
  await removeNetOut(containers, container, wild);
  assert.deepEqual(now(), before);
});

test('whichever call fails, what is open, answered and written down is what it was, and a destroy leaves nothing', async () => {
  for (const work of ['add the first', 'add another', 'remove'] as const) {
    for (const moment of ['before', 'after'] as const) {
      let failed = 0;
      for (let call = 1; call < 8; call++) {
        const { host, containers, container, address, now } = await scene();
        if (work !== 'add the first') await addNetOut(containers, container, api);
        if (work !== 'add the first') await containers.names.open(address, 'api.example.com', [{ address: server, ttlSeconds: 60 }]);
        const before = now();
        host.failCall(call, moment);
        const outcome = await (work === 'remove' ? removeNetOut(containers, container, api) : addNetOut(containers, container, wild)).then(() => 'done', () => 'failed');
        host.repair();
        const what = `${work}, call ${call}, ${moment}`;
        if (outcome === 'failed') {
          failed++;
          if (work !== 'add the first') await containers.names.open(address, 'api.example.com', [{ address: server, ttlSeconds: 60 }]);
          assert.deepEqual(now(), before, what);
        }
        await destroyContainer(containers, container);
        assert.deepEqual([host.leftovers(), host.served.size], [[], 0], what);
      }
      assert.ok(failed >= 2, `${work}, ${moment}: ${failed} calls failed`);
    }
  }
});

test('another server takes the rules over, and what they were answered as far as that was written down and still counts', async () => {
  const { host, containers, container, address } = await scene();
  await addNetOut(containers, container, api);
  await containers.names.open(address, 'api.example.com', [{ address: server, ttlSeconds: 60 }, { address: server + 1, ttlSeconds: 10 }]);
  recordState(containers, container);
  host.served.clear();
  host.clock.advance(20_000);
  const { containers: next } = makeTestContainers(host);
  await adoptContainers(next);
  next.names.begin();
  assert.deepEqual(host.served.get(address), ['api.example.com']);
  const [state] = next.names.state(0).containers;
  assert.deepEqual(state, { container: address, restricted: true, forwarded: [], openings: [{ opening: { address: server, protocol: 6, ports: { first: 443, last: 443 }, logged: false, untilMs: 60_000 }, timeoutMs: 40_000 }] });
  // The kernel has taken it away by itself.
  host.elements.delete('opened 10.254.0.2 198.51.100.2 6 443');
  await destroyContainer(next, next.get('demo'));
  assert.deepEqual(host.leftovers(), []);
});
