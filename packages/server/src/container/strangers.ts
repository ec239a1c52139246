/**
 * Containers that live and are not in this depot: their control groups have processes, and no directory here is theirs. Somebody removed
 * it, or moved it to a depot whose server has the same parent group. They are nobody's here, and perhaps another's: they are left
 * alone. But their packets stay filtered, and nobody gets their networks.
 */
import { startTimer } from '../lib/timer.js';
import type { Containers } from './containers.js';

/** A create that died with its server may still be undoing itself; there is no event for its end. */
const patienceMs = 1000;
const pauseMs = 50;

/** To be called when everything in the depot was taken over or removed. */
export async function quarantineStrangers(containers: Containers): Promise<void> {
  const { clock } = containers.host;
  let strangers = findStrangers(containers);
  for (let waitedMs = 0; strangers.length > 0 && waitedMs < patienceMs; waitedMs += pauseMs) {
    await new Promise<void>((resolve) => void startTimer(clock, pauseMs, resolve));
    strangers = findStrangers(containers);
  }
  for (const containerId of strangers) {
    containers.quarantine(containerId, undefined, 'its directory is not in this depot');
    containers.log.error(
      { event: 'quarantine', container: containerId },
      'control groups have processes of a container that is not in this depot; they are left alone: put its directory back, start the server of the depot that has it, or kill them, and start again',
    );
  }
}

function findStrangers(containers: Containers): string[] {
  const known = new Set([...containers.all(), ...containers.waiting.all()].map(({ id }) => id));
  const { cgroups } = containers.host;
  return cgroups.list().filter((id) => !known.has(id) && !containers.isQuarantined(id) && cgroups.hasProcesses(id));
}
