/** Containers with a pool of those made in advance, on the machine in memory, for tests. */
import assert from 'node:assert/strict';
import { RecordingHost } from './recording-host.js';
import { makeTestContainers, testConfiguration, type TestContainers } from './test-containers.js';

/** Of the event loop: enough for what takes no time. */
export async function turns(count = 30): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

/** With a pool of which none is made yet. */
export function withPool(size: number, host = new RecordingHost(), rootfs?: string): TestContainers {
  return makeTestContainers(host, { ...testConfiguration, pools: size === 0 ? [] : [{ size, rootfs }] });
}

/** With a full pool. */
export async function filled(size: number, host?: RecordingHost, rootfs?: string): Promise<TestContainers> {
  const made = withPool(size, host, rootfs);
  made.containers.waiting.begin();
  await turns();
  assert.equal(made.containers.waiting.count, size);
  return made;
}

/** Of those that wait, or go. */
export function idsOf({ containers }: TestContainers): string[] {
  return containers.waiting.all().map(({ id }) => id);
}
