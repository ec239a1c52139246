import { TRUE } from './peer.js';
import type { Images, Peer, Subject } from './peer.js';
import type { World } from './world.js';

function subject(network: string, option: string, world: World, { rootFileSystem: { directory, mounts } }: Images): Subject {
  return {
    network,
    whole: (name) => world.run(
      'systemd-nspawn', '--quiet', '--register=no', '--keep-unit', '--link-journal=no', '--resolv-conf=off', '--timezone=off', '--console=pipe',
      `--machine=${name}`, `--directory=${directory}`, '--read-only', ...mounts.map(({ source, destination }) => `--bind-ro=${source}:${destination}`), option, TRUE,
    ),
  };
}

/** It makes a container for one command here; booting a whole system is what it is for. */
export const systemdNspawn: Peer = {
  name: 'systemd-nspawn', packages: ['systemd-container'], cgroups: 'as they are',
  prepare: (world, images) => Promise.resolve([subject('veth', '--network-veth', world, images), subject('an empty namespace', '--private-network', world, images)]),
};
