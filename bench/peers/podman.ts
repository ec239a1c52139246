import { IMAGE } from './image.js';
import { IDLE, TRUE } from './peer.js';
import type { Peer, Subject } from './peer.js';

/** With crun, which is its first choice in Debian. No daemon, but a process beside each container, conmon. */
export const podman: Peer = {
  name: 'podman', packages: ['podman', 'crun', 'containernetworking-plugins', 'iptables'], cgroups: 'v1',
  prepare: async (world, { rootFileSystem, archive }) => {
    const program = [
      'podman', '--root', `${world.directory}/storage`, '--runroot', '/run/podman', '--tmpdir', '/run/podman-tmp', '--storage-driver', 'overlay', '--cgroup-manager', 'cgroupfs',
      '--runtime', 'crun', '--events-backend', 'file', '--network-config-dir', `${world.directory}/networks`,
    ];
    await world.run(...program, 'import', archive, IMAGE);
    const volumes = rootFileSystem.mounts.flatMap(({ source, destination }) => ['--volume', `${source}:${destination}:ro`]);
    const subject = (network: string, option: string): Subject => ({
      network, helpers: /^conmon/,
      create: (name) => world.run(...program, 'run', '--detach', '--pull', 'never', '--network', option, '--log-driver', 'k8s-file', ...volumes, '--name', name, IMAGE, ...IDLE),
      run: (name) => world.run(...program, 'exec', name, TRUE),
      destroy: (name) => world.run(...program, 'rm', '--force', '--time', '0', name),
    });
    return [subject('bridge', 'podman'), subject('an empty namespace', 'none')];
  },
};
