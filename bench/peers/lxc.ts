import { mkdirSync, writeFileSync } from 'node:fs';
import { IDLE, TRUE } from './peer.js';
import type { Images, Peer, Subject } from './peer.js';
import type { World } from './world.js';

const BRIDGE = 'lxcbr0';

/** The file that describes a container: Debian's common settings, an overlay of its own, the link. */
export function configurationOf(name: string, directory: string, network: readonly string[], { directory: lower, mounts }: Images['rootFileSystem']): string {
  return [
    'lxc.include = /usr/share/lxc/config/common.conf',
    `lxc.uts.name = ${name}`,
    `lxc.rootfs.path = overlay:${lower}:${directory}/upper`,
    ...mounts.map(({ source, destination }) => `lxc.mount.entry = ${source} ${destination.slice(1)} none bind,ro 0 0`),
    'lxc.apparmor.profile = unconfined',
    `lxc.init.cmd = ${IDLE.join(' ')}`,
    ...network,
    '',
  ].join('\n');
}

function subject(what: string, network: readonly string[], world: World, { rootFileSystem }: Images): Subject {
  const containers = `${world.directory}/containers`;
  return {
    network: what, helpers: /lxc/,
    // Directory and file are there beforehand, as those are whom an administrator has defined once.
    create: (name) => {
      mkdirSync(`${containers}/${name}/upper`, { recursive: true });
      writeFileSync(`${containers}/${name}/config`, configurationOf(name, `${containers}/${name}`, network, rootFileSystem));
      return world.run('lxc-start', '--daemon', '--lxcpath', containers, '--name', name);
    },
    run: (name) => world.run('lxc-attach', '--lxcpath', containers, '--name', name, '--', TRUE),
    destroy: (name) => world.run('lxc-stop', '--kill', '--lxcpath', containers, '--name', name),
  };
}

export const lxc: Peer = {
  name: 'lxc', packages: ['lxc'], cgroups: 'as they are',
  prepare: async (world, images) => {
    await world.run('ip', 'link', 'add', BRIDGE, 'type', 'bridge');
    await world.run('ip', 'address', 'add', '10.0.3.1/24', 'dev', BRIDGE);
    await world.run('ip', 'link', 'set', BRIDGE, 'up');
    const link = ['type = veth', `link = ${BRIDGE}`, 'flags = up', 'ipv4.address = 10.0.3.2/24', 'ipv4.gateway = auto'].map((line) => `lxc.net.0.${line}`);
    return [subject('veth in a bridge', link, world, images), subject('an empty namespace', ['lxc.net.0.type = empty'], world, images)];
  },
};
