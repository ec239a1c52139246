import { writeFileSync } from 'node:fs';
import { timed } from '../measurement.js';
import { DockerApi } from './docker-api.js';
import { IMAGE } from './image.js';
import { IDLE, TRUE } from './peer.js';
import type { Peer, Subject } from './peer.js';

/** By its API, as programs use it; its command line takes more. */
export const docker: Peer = {
  name: 'docker', packages: ['docker.io', 'iptables'], cgroups: 'as they are', daemons: /^(?:dockerd|containerd)$/,
  prepare: async (world, { rootFileSystem, archive }) => {
    const [socket, configuration] = [`${world.directory}/docker.sock`, `${world.directory}/daemon.json`];
    writeFileSync(configuration, '{}');
    await world.startDaemon(
      socket, 'dockerd', '--config-file', configuration, '--data-root', `${world.directory}/data`, '--host', `unix://${socket}`, '--storage-driver', 'overlay2',
      '--exec-opt', 'native.cgroupdriver=cgroupfs', '--log-level', 'error',
    );
    const api = new DockerApi(socket);
    // Answered when it is ready.
    await api.get('/_ping');
    const [repository, tag] = IMAGE.split(':') as [string, string];
    await api.upload(`/images/create?fromSrc=-&repo=${encodeURIComponent(repository)}&tag=${tag}`, archive);
    const binds = rootFileSystem.mounts.map(({ source, destination }) => `${source}:${destination}:ro`);
    const subject = (network: string, mode: string): Subject => ({
      network, helpers: /^containerd-shim/,
      create: (name) => timed(async () => {
        await api.post(`/containers/create?name=${name}`, { Image: IMAGE, Cmd: IDLE, HostConfig: { NetworkMode: mode, Binds: binds } });
        await api.post(`/containers/${name}/start`);
      }),
      run: (name) => timed(async () => {
        const { Id } = JSON.parse(await api.post(`/containers/${name}/exec`, { Cmd: [TRUE], AttachStdout: true, AttachStderr: true })) as { Id: string };
        await api.post(`/exec/${Id}/start`, {});
        const { ExitCode } = JSON.parse(await api.get(`/exec/${Id}/json`)) as { ExitCode: number | null };
        if (ExitCode !== 0) throw new Error(`docker exec ended with status ${ExitCode ?? 'unknown'}`);
      }),
      destroy: (name) => timed(() => api.delete(`/containers/${name}?force=1`)),
    });
    return [subject('bridge', 'bridge'), subject('an empty namespace', 'none')];
  },
};
