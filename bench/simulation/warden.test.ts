import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from './simulate.js';
import { cycleOf, restOf, sceneOf, type ServiceTimes } from './warden.js';

const times: ServiceTimes = {
  create: { latency: 6000, client: 200, wardend: 800, launcher: 1500 },
  run: { latency: 3000, client: 200, wardend: 600, launcher: 0 },
  destroy: { latency: 2000, client: 100, wardend: 600, launcher: 200 },
  machine: 12_000,
  rtnl: { create: 800, removal: 400 },
};

function near(actual: number | undefined, expected: number, part: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= part * expected, `${actual}, not ${expected}`);
}

test('what the machine works beyond all requests is done behind them; when it works less, the rest of them is waiting', () => {
  // 2,500 of client and wardend and 400 of the removal; 8,500 are waited for by the requests, 9,100 are worked.
  assert.deepEqual(restOf(times), { workingPart: 1, later: 600 });
  assert.deepEqual(restOf({ ...times, machine: 7150 }), { workingPart: 0.5, later: 0 });
});

test('one client finds the times that were measured', () => {
  for (const machine of [12_000, 7_150]) {
    const { latencies, used, cyclesPerSecond } = simulate({ ...sceneOf({ ...times, machine }, { processors: 8, clients: 1, sharedClient: true }), times: 'fixed' });
    for (const name of ['create', 'run', 'destroy'] as const) near(latencies.get(name), times[name].latency, 0.05);
    near(cyclesPerSecond, 1e6 / 11_000, 0.02);
    near(used.get('wardend'), 2000 / 11_000, 0.02);
    near((used.get('processors') ?? 0) * 8, machine / 11_000, 0.03);
  }
});

test('many clients on many processors are as fast as the busiest thread', () => {
  const { cyclesPerSecond, used } = simulate(sceneOf(times, { processors: 64, clients: 64 }));
  near(cyclesPerSecond, 1e6 / 2000, 0.03);
  near(used.get('wardend'), 1, 0.02);
  near(used.get('RTNL'), 1200 / 2000, 0.05);
  const { cyclesPerSecond: faster, used: instead } = simulate(sceneOf({ ...times, rtnl: { create: 0, removal: 0 }, create: { ...times.create, wardend: 100, launcher: 2500 } }, { processors: 64, clients: 64 }));
  near(faster, 1e6 / 2700, 0.05);
  near(instead.get('launcher'), 1, 0.02);
});

test('on few processors their work is what counts', () => {
  near(simulate(sceneOf(times, { processors: 2, clients: 8 })).cyclesPerSecond, 2e6 / 12_000, 0.03);
});

test('clients of one process share its thread', () => {
  assert.equal(JSON.stringify(cycleOf(times, true)).includes('"hold":"client"'), true);
  assert.equal(JSON.stringify(cycleOf(times, false)).includes('"hold":"client"'), false);
});
