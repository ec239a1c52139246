/**
 * destroy: stop, take everything off the machine, give everything back. The record goes last, so that a destroy that fails
 * can be tried again.
 */
import { WardenError } from 'warden-protocol';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { infoAtOnce, infoOf } from './info.js';
import { removeFromHost } from './remove.js';
import { stopContainer } from './stop.js';

/** @throws WardenError not_found when another destroy was first; any other when something could not be removed */
export async function destroyContainer(containers: Containers, container: Container): Promise<void> {
  try {
    await stopContainer(containers, container, { kill: false, forDestroy: true });
  } catch (error) {
    // Stopping first is a courtesy to the jobs; removal kills them anyway.
    containers.log.debug({ container: container.id, err: error }, 'destroy goes on without an orderly stop');
  }
  await containers.changes.run(container.id, async () => {
    if (!containers.has(container)) throw new WardenError('not_found', 'unknown handle');
    // Requests that follow its jobs end with what is known now; no job outlives the removal, whatever events are yet to come.
    const isFollowed = [...container.jobs.values()].some(({ followers }) => followers > 0);
    container.lastInfo = { ...(isFollowed ? infoAtOnce(containers, container) : infoOf(container)), jobIds: [] };
    containers.host.statistics.forget(container.id);
    await removeFromHost(containers, container);
    container.monitor.close();
    containers.noteRelease(container);
    containers.host.depot.discardDirectory(container.id);
    container.moveTo('destroyed');
    containers.remove(container);
  });
}
