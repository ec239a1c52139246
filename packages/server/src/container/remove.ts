/**
 * Takes a container off the machine: processes, cgroups, firewall elements. Works from any half-made state and can be
 * repeated: what is not there is no error.
 */
import { WardenError } from 'warden-protocol';
import { MountsLeft, ProcessesLeft } from '../host/monitor.js';
import { removeBandwidthLimit } from './bandwidth.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { portElementsOf } from './port-mapping.js';

/** The monitor kills every process with SIGKILL at once; this bounds waiting for processes that are stuck in the kernel. */
export const removeDeadlineMs = 30_000;

/** A launcher that is killed again and again is somebody's doing; one that cannot start has its reason by then. */
const deleteAttempts = 5;

/**
 * @param ifEmpty only when it has no process but PID 1; not for one with a limit of bandwidth
 * @throws ProcessesLeft with ifEmpty: nothing has been done. MountsLeft. What failed last, when something could not be removed
 */
export async function removeFromHost(containers: Containers, container: Container, { ifEmpty = false }: { readonly ifEmpty?: boolean } = {}): Promise<void> {
  const { host, log } = containers;
  // Takes longer than all else. Without it the kernel drops what the container still sends.
  const bandwidth = removeBandwidthLimit(containers, container);
  bandwidth.catch(() => undefined);
  let elements: Promise<void> | undefined;
  // Not before no process is left that could send: an interface without elements is not filtered.
  const dead = (): void => {
    elements ??= deleteElements(containers, container);
    elements.catch(() => undefined);
  };
  try {
    await container.monitor.destroy(removeDeadlineMs, { ifEmpty, dead });
  } catch (error) {
    if (error instanceof ProcessesLeft || error instanceof MountsLeft) throw error;
    // There is no monitor, or it died, or it could not finish: its groups know the processes.
    log.debug({ container: container.id, err: error }, 'no answer from the monitor, removing by cgroup');
    await host.cgroups.removeLeftovers(container.id);
  }
  dead();
  try {
    await elements;
    await bandwidth;
  } catch (error) {
    // It is tried again, perhaps much later, and a monitor that was destroyed tells nobody of its end.
    container.monitor.close();
    throw error;
  }
  // A limit that stays behind limits nobody: who gets the id next has it taken away.
  await host.disks.release(container.disk)?.catch((error: unknown) => log.debug({ container: container.id, err: error }, 'its disk limits could not be taken away'));
}

/** When the launcher dies under it, or while it starts, a new one is asked again: what is not there any more is no error. */
async function deleteElements({ host, firewall, names }: Containers, container: Container): Promise<void> {
  const { link } = container;
  const elements = [...portElementsOf(host.firewall, container), ...host.firewall.elementsOf(link, 'delete'), ...(await names.detach(link.containerAddress))];
  for (let attempt = 1; ; attempt++) {
    try {
      await firewall.change(() => {
        firewall.forget(link);
        // A load from now on gives it none.
        container.netOut = [];
        // Whoever has its address next has its chain. Asked for here: a load that this has waited for may have filled it.
        const rules = container.hasNetOutChain ? host.firewall.netOutOf(link, []) : { elements: [], chains: [] };
        return host.launcher.changeFirewall([...elements, ...rules.elements], rules.chains);
      });
      names.drop(link.containerAddress);
      return;
    } catch (error) {
      if (attempt === deleteAttempts || !(error instanceof WardenError && error.code === 'unavailable')) throw error;
    }
  }
}
