/* The configuration of a test's daemon: everything that a slot keeps apart, and what a test wants different. */
import { faultPrograms, nativePrograms } from './paths.js';
import { PORTS } from './slot.js';
import type { Slot } from './slot.js';

type Section = Record<string, unknown>;
export interface Overrides {
  readonly server?: Section; readonly network?: Section; readonly port?: Section; readonly user?: Section; readonly logging?: Section; readonly hooks?: Section; readonly health?: Section; readonly images?: Section; readonly files?: Section; readonly pool?: Section;
  /** Use the native programs whose steps can be made to fail. */
  readonly faults?: boolean;
}

export interface Paths { readonly socket: string; readonly depot: string; readonly rootfs: string; readonly configuration: string; readonly log: string }

export function pathsOf(slot: Slot): Paths {
  const { directory } = slot;
  return {
    socket: `${directory}/run/warden.sock`, depot: `${directory}/depot`, rootfs: `${directory}/rootfs`,
    configuration: `${directory}/warden.yml`, log: `${directory}/wardend.log`,
  };
}

/** JSON is YAML. The health check is off: its port cannot be shared. */
export function configurationText(slot: Slot, overrides: Overrides = {}): string {
  const paths = pathsOf(slot);
  return JSON.stringify({
    server: {
      unix_domain_path: paths.socket, container_depot_path: paths.depot, container_rootfs_path: paths.rootfs,
      cgroup_parent: slot.cgroupParent, programs_path: overrides.faults ? faultPrograms : nativePrograms,
      ...overrides.server,
    },
    health_check_server: { port: 0, ...overrides.health },
    logging: { level: 'debug', ...overrides.logging },
    network: { pool_network: `${slot.network}/20`, table: slot.table, release_delay: 0, ...overrides.network },
    port: { pool_start_port: slot.startPort, pool_size: PORTS, ...overrides.port },
    hooks: overrides.hooks ?? {},
    user: { pool_start_uid: slot.startUid, pool_size: 256, pool_start_subuid: slot.startSubuid, ...overrides.user },
    images: { ...overrides.images },
    files: { ...overrides.files },
    pool: { ...overrides.pool },
  }, null, 2);
}
