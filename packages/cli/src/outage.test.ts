import assert from 'node:assert/strict';
import { it } from 'node:test';
import { WardenError } from 'warden-protocol';
import { Outage } from './outage.js';

const away = new WardenError('unavailable', 'away');
/** An aborted signal ends the pause at once. */
const over = AbortSignal.abort();

/** What a failure after each of these moments makes of an outage: `waits` or `ends`. */
async function failuresAt(outage: Outage, clock: { ms: number }, ...moments: number[]): Promise<string[]> {
  const became = [];
  for (const moment of moments) {
    clock.ms = moment;
    const error = await outage.wait(away, over).then(() => undefined, (reason: unknown) => WardenError.from(reason));
    became.push(error?.code === 'canceled' ? 'waits' : 'ends');
  }
  return became;
}

it('an outage has half a minute, from the last answer on', async () => {
  const clock = { ms: 0 };
  const outage = new Outage(() => clock.ms);
  assert.deepEqual(await failuresAt(outage, clock, 1000, 11_000, 21_000, 31_000, 31_001), ['waits', 'waits', 'waits', 'waits', 'ends']);
  outage.end();
  assert.deepEqual(await failuresAt(outage, clock, 32_000), ['waits']);
});

it('a connection that held long is no part of an outage, though nothing came over it', async () => {
  const clock = { ms: 0 };
  const outage = new Outage(() => clock.ms);
  assert.deepEqual(await failuresAt(outage, clock, 1000, 3_601_000, 3_602_000, 3_631_001), ['waits', 'waits', 'waits', 'ends']);
});

it('an error of another kind is none', async () => {
  await assert.rejects(new Outage().wait(new WardenError('not_found', 'no such job'), over), { code: 'not_found' });
});
