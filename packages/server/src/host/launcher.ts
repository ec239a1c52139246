/** The host's part of making a container, as the container code needs it. */
import { WardenError } from 'warden-protocol';
import type { ContainerDescription, FirewallElement } from './container-description.js';

/** The launcher ended before it answered; the next request starts it again. */
export class LauncherGone extends WardenError {
  override readonly name = 'LauncherGone';

  constructor(message: string) {
    super('unavailable', message);
  }
}

export interface Launcher {
  /**
   * Makes a container: processes, cgroups, mounts, links, firewall elements. When it fails, nothing of it is left.
   * @returns the process id of the container's monitor
   */
  create(description: ContainerDescription): Promise<number>;
  /** Changes the firewall's sets in one transaction. */
  changeFirewall(elements: readonly FirewallElement[]): Promise<void>;
}
