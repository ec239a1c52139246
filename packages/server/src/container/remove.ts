/**
 * Takes a container off the machine: processes, cgroups, firewall elements. Works from any half-made state and can be
 * repeated: what is not there is no error.
 */
import { LauncherGone } from '../host/launcher.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';

/** The monitor kills every process with SIGKILL at once; this bounds waiting for processes that are stuck in the kernel. */
export const removeDeadlineMs = 30_000;

/** @throws what failed last, when something could not be removed */
export async function removeFromHost(containers: Containers, container: Container): Promise<void> {
  const { host } = containers;
  try {
    await container.monitor.destroy(removeDeadlineMs);
  } catch (error) {
    // There is no monitor, or it died, or it could not finish: its groups know the processes.
    containers.log.debug({ container: container.id, err: error }, 'no answer from the monitor, removing by cgroup');
    await host.cgroups.removeLeftovers(container.id);
  }
  // Only now, when no process is left that could send: an interface without elements is not filtered.
  await deleteElements(containers, container);
}

/** When the launcher dies under it, a new one is asked again, once: what is not there any more is no error. */
async function deleteElements({ host }: Containers, { link }: Container): Promise<void> {
  const elements = host.firewall.elementsOf(link, 'delete');
  try {
    await host.launcher.changeFirewall(elements);
  } catch (error) {
    if (!(error instanceof LauncherGone)) throw error;
    await host.launcher.changeFirewall(elements);
  }
}
