/* Every peer by its name: one without a file does not compile. */
import { bubblewrap } from './bubblewrap.js';
import { containerd } from './containerd.js';
import { crun } from './crun.js';
import { docker } from './docker.js';
import { lxc } from './lxc.js';
import type { PeerName } from './names.js';
import type { Peer } from './peer.js';
import { podman } from './podman.js';
import { runc } from './runc.js';
import { systemdNspawn } from './systemd-nspawn.js';

export const allPeers: Readonly<Record<PeerName, Peer>> = { runc, crun, bubblewrap, 'systemd-nspawn': systemdNspawn, lxc, containerd, podman, docker };
