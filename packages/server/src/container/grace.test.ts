import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createContainer } from './create.js';
import { checkCreateRequest } from './create-request.js';
import { makeTestContainers, testConfiguration } from './test-containers.js';

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('the timer starts when the last connection that refers to the container closes', async () => {
  const { containers, create, expired, host } = makeTestContainers();
  const { references } = containers;
  const [creator, witness, later] = [{}, {}, {}];
  references.connect(creator);
  const container = await create({ handle: 'x', graceTime: 10 });
  references.name(creator, container);
  references.connect(witness);
  references.disconnect(creator);
  host.clock.advance(60_000);
  assert.deepEqual(expired, [], 'a connection that was made while it existed refers to it');
  references.disconnect(witness);
  host.clock.advance(9_999);
  references.connect(later);
  host.clock.advance(60_000);
  assert.deepEqual(expired, [], 'a new connection ends the timer');
  references.disconnect(later);
  host.clock.advance(10_000);
  assert.deepEqual(expired, ['x']);
  await turn();
  assert.deepEqual(containers.handles(), []);
  assert.deepEqual(host.leftovers(), []);
});

test('a request that names the container refers to it, however old the connection', async () => {
  const { containers, create, expired, host } = makeTestContainers();
  const { references } = containers;
  const [old, creator] = [{}, {}];
  references.connect(old);
  references.connect(creator);
  const container = await create({ handle: 'x', graceTime: 1 });
  references.name(creator, container);
  references.disconnect(creator);
  host.clock.advance(500);
  references.name(old, container);
  host.clock.advance(60_000);
  assert.deepEqual(expired, []);
  references.disconnect(old);
  host.clock.advance(1_000);
  assert.deepEqual(expired, ['x']);
});

test('a request that is begun when its client has gone ends the grace time that runs, and begins another', async () => {
  const { containers, create, expired, host } = makeTestContainers();
  const { references } = containers;
  const client = {};
  references.connect(client);
  const container = await create({ handle: 'x', graceTime: 1 });
  references.disconnect(client);
  host.clock.advance(900);
  references.name(client, container);
  host.clock.advance(999);
  assert.deepEqual(expired, []);
  host.clock.advance(1);
  assert.deepEqual(expired, ['x']);
});

test('an older connection that never named it does not keep it', async () => {
  const { containers, create, expired, host } = makeTestContainers();
  const { references } = containers;
  const [old, creator] = [{}, {}];
  references.connect(old);
  references.connect(creator);
  references.name(creator, await create({ handle: 'x', graceTime: 1 }));
  references.disconnect(creator);
  host.clock.advance(1_000);
  assert.deepEqual(expired, ['x']);
});

test('0 is at once, null never, the largest not at once', async () => {
  const { containers, create, expired, host } = makeTestContainers();
  const { references } = containers;
  const client = {};
  references.connect(client);
  for (const [handle, graceTime] of [['zero', 0], ['largest', 0xffff_ffff]] as const) references.name(client, await create({ handle, graceTime }));
  references.name(client, await create({ handle: 'never' }));
  references.disconnect(client);
  host.clock.advance(0);
  assert.deepEqual(expired, ['zero']);
  host.clock.advance(2 ** 31 + 10);
  assert.deepEqual(expired, ['zero']);
  host.clock.advance(0xffff_ffff * 1000);
  assert.deepEqual(expired, ['zero', 'largest']);
  await turn();
  assert.deepEqual(containers.handles(), ['never']);
});

test('the configured default counts when the request says nothing; the request wins', async () => {
  const { containers, create, expired, host } = makeTestContainers(undefined, { ...testConfiguration, defaultGraceTimeMs: 5000 });
  const client = {};
  containers.references.connect(client);
  containers.references.name(client, await create({ handle: 'default' }));
  containers.references.name(client, await create({ handle: 'own', graceTime: 7 }));
  containers.references.disconnect(client);
  host.clock.advance(5000);
  assert.deepEqual(expired, ['default']);
  host.clock.advance(2000);
  assert.deepEqual(expired, ['default', 'own']);
});

test('after a start, and after a create whose client has gone, the timer starts by itself', async () => {
  const { containers, create, expired, host } = makeTestContainers();
  containers.references.check(await create({ handle: 'x', graceTime: 3 }));
  host.clock.advance(3000);
  assert.deepEqual(expired, ['x']);
});

for (const order of ['newest first', 'oldest first', 'mixed']) {
  test(`many connections that close cost no product of connections and containers: ${order}`, async () => {
    const size = 500;
    const { containers, host } = makeTestContainers(undefined, {
      ...testConfiguration,
      defaultGraceTimeMs: 1000,
      network: { ...testConfiguration.network, pool: { first: 0x0afe_0000, last: 0x0afe_ffff } },
      user: { ...testConfiguration.user, size },
    });
    const { references } = containers;
    const clients: object[] = [];
    for (let number = 0; number < size; number++) {
      const client = {};
      clients.push(client);
      references.connect(client);
      references.name(client, await createContainer(containers, checkCreateRequest({ bindMounts: [], hooks: [], labels: [] })));
      for (let more = 0; more < 3; more++) {
        const other = {};
        clients.push(other);
        references.connect(other);
      }
    }
    if (order === 'oldest first') clients.reverse();
    if (order === 'mixed') clients.splice(0, clients.length, ...Array.from({ length: 7 }, (_, rest) => clients.filter((_client, index) => index % 7 === rest)).flat());
    const before = references.examined;
    assert.ok(before <= 2 * size, `${before} containers were looked at before`);
    for (let client = clients.pop(); client !== undefined; client = clients.pop()) references.disconnect(client);
    const cost = references.examined - before;
    assert.ok(cost <= 3 * size, `${cost} containers were looked at`);
    assert.equal(host.clock.pending, size, 'every grace time runs');
    references.connect({});
    assert.equal(host.clock.pending, 0);
  });
}

test('a destroyed container leaves no timer and no reference', async () => {
  const { containers, create, expired, host } = makeTestContainers();
  const client = {};
  containers.references.connect(client);
  const container = await create({ graceTime: 1 });
  containers.references.name(client, container);
  containers.remove(container);
  containers.references.disconnect(client);
  host.clock.advance(10_000);
  assert.deepEqual(expired, []);
  assert.equal(host.clock.pending, 0);
});
