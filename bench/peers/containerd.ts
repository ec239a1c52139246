import { writeFileSync } from 'node:fs';
import { IMAGE } from './image.js';
import { IDLE, TRUE } from './peer.js';
import type { Peer } from './peer.js';

/** By its own command, ctr, which makes no networks. */
export const containerd: Peer = {
  name: 'containerd', packages: ['containerd', 'runc'], cgroups: 'as they are', daemons: /^containerd$/,
  prepare: async (world, { rootFileSystem, image }) => {
    const [socket, configuration] = [`${world.directory}/containerd.sock`, `${world.directory}/containerd.toml`];
    writeFileSync(configuration, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
    await world.startDaemon(socket, 'containerd', '--config', configuration, '--root', `${world.directory}/root`, '--state', '/run/containerd', '--address', socket, '--log-level', 'warn');
    const ctr = (...words: readonly string[]): Promise<number> => world.run('ctr', '--address', socket, '--namespace', 'bench', ...words);
    await ctr('images', 'import', image);
    const mounts = rootFileSystem.mounts.flatMap(({ source, destination }) => ['--mount', `type=bind,src=${source},dst=${destination},options=rbind:ro`]);
    return [{
      network: 'an empty namespace', helpers: /^containerd-shim/,
      create: (name) => ctr('run', '--detach', ...mounts, IMAGE, name, ...IDLE),
      run: (name) => ctr('tasks', 'exec', '--exec-id', `${name}-true`, name, TRUE),
      destroy: async (name) => await ctr('tasks', 'delete', '--force', name) + await ctr('containers', 'delete', name),
    }];
  },
};
