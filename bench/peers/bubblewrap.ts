import { TRUE } from './peer.js';
import type { Peer } from './peer.js';

/** It makes a container for one command: there is nothing to come back to. It has no cgroups, and no other network than none or the host's. */
export const bubblewrap: Peer = {
  name: 'bubblewrap', packages: ['bubblewrap'], cgroups: 'as they are',
  prepare: (world, { rootFileSystem: { directory, mounts } }) => Promise.resolve([{
    network: 'an empty namespace',
    whole: () => world.run(
      'bwrap', '--unshare-all', '--die-with-parent', '--ro-bind', directory, '/', ...mounts.flatMap(({ source, destination }) => ['--ro-bind', source, destination]),
      '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', TRUE,
    ),
  }]),
};
