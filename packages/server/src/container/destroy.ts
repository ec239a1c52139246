/**
 * destroy: stop, take everything off the machine, give everything back. The record goes last, so that a destroy that fails
 * can be tried again.
 */
import { WardenError } from 'warden-protocol';
import { ProcessesLeft } from '../host/monitor.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { infoAtOnce, infoOf } from './info.js';
import { removeFromHost } from './remove.js';
import { stopContainer } from './stop.js';

/** @throws WardenError not_found when another destroy was first; any other when something could not be removed */
export async function destroyContainer(containers: Containers, container: Container): Promise<void> {
  if (await destroyEmpty(containers, container)) return;
  try {
    await stopContainer(containers, container, { kill: false, forDestroy: true });
  } catch (error) {
    // Stopping first is a courtesy to the jobs; removal kills them anyway.
    containers.log.debug({ container: container.id, err: error }, 'destroy goes on without an orderly stop');
  }
  await containers.changes.run(container.id, async () => {
    if (!containers.has(container)) throw unknownHandle();
    // Requests that follow its jobs end with what is known now; no job outlives the removal, whatever events are yet to come.
    const isFollowed = [...container.jobs.values()].some(({ followers }) => followers > 0);
    container.lastInfo = { ...(isFollowed ? infoAtOnce(containers, container) : infoOf(container)), jobIds: [] };
    await removeFromHost(containers, container);
    forgetContainer(containers, container);
  });
}

/**
 * The short way, by one request to the monitor instead of two: where no process but PID 1 is there, nobody has to be asked to end.
 * @returns false: somebody has, or may have, and nothing is done but that no job starts any more
 */
async function destroyEmpty(containers: Containers, container: Container): Promise<boolean> {
  return containers.changes.run(container.id, async () => {
    if (!containers.has(container)) throw unknownHandle();
    const { state, bandwidth, jobs } = container;
    const isAtRest = (state === 'active' || state === 'stopped') && !container.stopping && bandwidth === undefined;
    if (!isAtRest || [...jobs.values()].some(({ exit, followers }) => exit === undefined || followers > 0)) return false;
    container.moveTo('stopped');
    container.lastInfo = { ...infoOf(container), jobIds: [] };
    try {
      await removeFromHost(containers, container, { ifEmpty: true });
    } catch (error) {
      if (!(error instanceof ProcessesLeft)) throw error;
      container.lastInfo = undefined;
      return false;
    }
    forgetContainer(containers, container);
    return true;
  });
}

/** Everything that was the machine's is gone. */
function forgetContainer(containers: Containers, container: Container): void {
  containers.host.statistics.forget(container.id);
  container.monitor.close();
  containers.noteRelease(container);
  containers.host.depot.discardDirectory(container.id, container.disk);
  container.moveTo('destroyed');
  containers.remove(container);
}

function unknownHandle(): WardenError {
  return new WardenError('not_found', 'unknown handle');
}
