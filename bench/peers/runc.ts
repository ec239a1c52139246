import { prepareRuntime } from './oci-runtime.js';
import type { Peer } from './peer.js';

export const runc: Peer = { name: 'runc', packages: ['runc'], cgroups: 'as they are', prepare: (world, images) => prepareRuntime('runc', world, images) };
