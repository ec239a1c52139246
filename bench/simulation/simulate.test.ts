/* Machines whose throughput is known: by counting, by the bounds of a closed system, and by mean value analysis. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventQueue } from './event-queue.js';
import { simulate, type Outcome, type Scene, type Step } from './simulate.js';

function outcomeOf(steps: readonly Step[], scene: Partial<Scene>): Outcome {
  return simulate({ processors: 1, clients: 1, cycle: [{ name: 'request', steps }], duration: 3e6, warmUp: 0.5e6, ...scene });
}

function near(actual: number | undefined, expected: number, part = 0.01): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= part * expected, `${actual}, not ${expected}`);
}

test('events happen in order, and of the same moment in the order in which they were entered', () => {
  const queue = new EventQueue();
  const happened: string[] = [];
  for (const [delay, name] of [[5, 'e'], [1, 'b'], [3, 'd'], [1, 'c'], [0, 'a'], [9, 'too late']] as const) queue.after(delay, () => happened.push(`${name}${queue.now}`));
  while (queue.next(8));
  assert.deepEqual(happened, ['a0', 'b1', 'c1', 'd3', 'e5']);
  assert.throws(() => queue.after(-1, () => undefined), /cannot happen -1 from now/);
});

test('alone, a request takes what its steps take', () => {
  const { cyclesPerSecond, latencies, used } = outcomeOf([{ work: 300 }, { wait: 500 }, { hold: 'lock', steps: [{ work: 200 }] }], {});
  near(cyclesPerSecond, 1000);
  near(latencies.get('request'), 1000, 1e-6);
  near(used.get('processors'), 0.5);
  near(used.get('lock'), 0.2);
});

test('side by side is as long as the longest, later is for nobody to wait for', () => {
  const steps: Step[] = [{ together: [[{ work: 100 }], [{ wait: 700 }], []] }, { later: [{ work: 1000 }] }, { wait: 300 }];
  const { cyclesPerSecond, used } = outcomeOf(steps, { processors: 4 });
  near(cyclesPerSecond, 1000);
  near(used.get('processors'), 1100 / 4000);
});

test('work cannot be done faster than by all processors', () => {
  for (const processors of [1, 2, 8]) {
    const { cyclesPerSecond, used, latencies } = outcomeOf([{ work: 2000 }], { processors, clients: 16 });
    near(cyclesPerSecond, processors * 500);
    near(used.get('processors'), 1);
    near(latencies.get('request'), 16 / (processors * 500) * 1e6);
  }
});

test('a lock is passed on no faster than it is held, whatever the processors', () => {
  const steps: Step[] = [{ work: 900 }, { hold: 'lock', steps: [{ work: 100 }, { wait: 100 }] }];
  near(outcomeOf(steps, { processors: 64, clients: 64 }).cyclesPerSecond, 5000);
  near(outcomeOf(steps, { processors: 64, clients: 64 }).used.get('lock'), 1);
  near(outcomeOf(steps, { processors: 64, clients: 2 }).cyclesPerSecond, 2 / 1100e-6, 0.1);
});

test('a lock within a lock is held for its own time alone', () => {
  const { used } = outcomeOf([{ hold: 'outer', steps: [{ work: 100 }, { hold: 'inner', steps: [{ work: 300 }] }] }], {});
  near(used.get('outer'), 1);
  near(used.get('inner'), 0.75);
});

/** Mean value analysis of one server and a delay: exact for exponential times. */
function byMeanValues(clients: number, service: number, delay: number): number {
  let [queueLength, throughput] = [0, 0];
  for (let count = 1; count <= clients; count++) {
    const response = service * (1 + queueLength);
    throughput = count / (response + delay);
    queueLength = throughput * response;
  }
  return throughput * 1e6;
}

test('with times that vary it is what mean value analysis says', () => {
  for (const [clients, service, delay] of [[1, 500, 1500], [3, 500, 1500], [8, 500, 1500], [4, 1000, 0], [20, 200, 5000]] as const) {
    const { cyclesPerSecond } = outcomeOf([{ wait: delay }, { hold: 'server', steps: [{ wait: service }] }], { clients, times: 'exponential', duration: 30e6, seed: clients });
    near(cyclesPerSecond, byMeanValues(clients, service, delay), 0.03);
  }
});

test('the same seed gives the same, another one does not', () => {
  const run = (seed: number): number => outcomeOf([{ work: 100 }, { wait: 100 }], { times: 'exponential', seed }).cyclesPerSecond;
  assert.equal(run(7), run(7));
  assert.notEqual(run(7), run(8));
});

test('each request of a cycle has its own time', () => {
  const { latencies, cyclesPerSecond } = simulate({ processors: 1, clients: 1, duration: 1e6, warmUp: 0, cycle: [{ name: 'create', steps: [{ work: 700 }] }, { name: 'destroy', steps: [{ wait: 300 }] }] });
  assert.deepEqual([...latencies], [['create', 700], ['destroy', 300]]);
  near(cyclesPerSecond, 1000);
});
