import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Container, type ContainerState } from './container.js';
import { makeTestContainers } from './test-containers.js';

const states: ContainerState[] = ['born', 'active', 'stopped', 'destroyed'];
const allowed = new Set(['born>active', 'born>destroyed', 'active>stopped', 'active>destroyed', 'stopped>destroyed']);

async function inState(state: ContainerState): Promise<Container> {
  const { create } = makeTestContainers();
  const made = await create({ handle: 'x' });
  return new Container(made, made.monitor, state);
}

test('every transition, allowed and forbidden', async () => {
  for (const from of states) {
    for (const to of states) {
      const container = await inState(from);
      if (from === to || allowed.has(`${from}>${to}`)) {
        container.moveTo(to);
        assert.equal(container.state, to);
      } else {
        assert.throws(() => container.moveTo(to), { code: 'internal' }, `${from} to ${to}`);
        assert.equal(container.state, from);
      }
    }
  }
});

test('a wrong state is refused in the words clients know', async () => {
  const container = await inState('stopped');
  container.requireState('active', 'stopped');
  assert.throws(() => container.requireState('active'), { code: 'wrong_state', message: 'Container state must be one of \'active\', current state is \'stopped\'' });
  assert.throws(() => container.requireState('born', 'active'), { message: 'Container state must be one of \'born\', \'active\', current state is \'stopped\'' });
});
