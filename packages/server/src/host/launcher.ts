/** The host's part of making a container, as the container code needs it. */
import type { ContainerDescription, FirewallElement } from './container-description.js';

export interface Launcher {
  /**
   * Makes a container: processes, cgroups, mounts, links, firewall elements. When it fails, nothing of it is left.
   * @returns the process id of the container's monitor
   */
  create(description: ContainerDescription): Promise<number>;
  /** Changes the firewall's sets in one transaction. */
  changeFirewall(elements: readonly FirewallElement[]): Promise<void>;
}
