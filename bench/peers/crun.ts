import { prepareRuntime } from './oci-runtime.js';
import type { Peer } from './peer.js';

/** It refuses machines with v1 hierarchies and a v2 tree beside them. */
export const crun: Peer = { name: 'crun', packages: ['crun'], cgroups: 'v1', prepare: (world, images) => prepareRuntime('crun', world, images) };
