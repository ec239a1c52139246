/** A container's description for tests. */
import type { ContainerDescription } from '../container-description.js';

export const sampleDescription: ContainerDescription = {
  id: '1hq3k5m7o9q',
  handle: 'größe',
  directory: '/depot/containers/1hq3k5m7o9q',
  diskDirectory: '/depot/disks/7',
  quotaKind: 'project',
  lowers: ['/top', '/bottom'],
  mounts: [{ source: '/usr', destination: '/usr', readOnly: true, recursive: true }],
  upperDirectories: [{ path: '/home/vcap', mode: 0o755, uid: 10_000, gid: 10_001 }],
  upperFiles: [{ path: '/etc/hosts', mode: 0o644, uid: 0, gid: 0, content: '127.0.0.1 localhost\n' }],
  accounts: [{ path: '/etc/passwd', name: 'vcap', line: 'vcap:x:10000:10000::/home/vcap:/bin/bash' }],
  users: [{ name: 'root', uid: 0, gid: 0, privileged: true, workingDirectory: '/root', environment: ['HOME=/root', 'USER=root'] }],
  idMap: [{ inside: 0, outside: 0x2000_0000, count: 65_536 }],
  cgroups: [{ path: '/cgroup/warden/1hq3k5m7o9q', version: 1, settings: [{ name: 'pids.max', content: '9' }] }],
  hostname: 'demo',
  link: {
    hostName: 'w-demo-0',
    containerName: 'w-demo-1',
    hostMac: Uint8Array.of(2, 0, 10, 254, 0, 1),
    containerMac: Uint8Array.of(2, 0, 10, 254, 0, 2),
    hostAddress: 0x0afe_0001,
    containerAddress: 0x0afe_0002,
    prefix: 30,
    mtu: 1400,
  },
  firewallElements: [{ operation: 'ensure', family: 'arp', table: 'warden', set: 'senders', key: Uint8Array.of(1, 2, 3, 4) }],
  pingGroups: '10000 65535',
  privilegedCapabilities: 0x8004_05fbn,
  syslogSocket: '/dev/log',
  deadlineMs: 30_000,
};
