/* Of which servers may have more or less: the compatibility suite leaves the tests of what is named out. */

/** What a server may lack and still be a Warden server, by the name that leaves its tests out. */
export const CAPABILITIES = {
  accounts: 'jobs are of the user vcap, or root, at home in /home/vcap and /root',
  inside: 'a process table, a host name, and /etc of the container\'s own',
  processes: 'stop finds every process of a container, also those that left their job',
  rootfs: 'root file systems that a create names',
  mounts: 'bind mounts',
  network: 'addresses of its own, and rules that hold',
  rlimits: 'resource limits of a job',
  statistics: 'memory and processor figures in info',
  memory: 'limit_memory', cpu: 'limit_cpu', disk: 'limit_disk', bandwidth: 'limit_bandwidth',
  files: 'copy_in and copy_out',
  defaults: 'the usual configuration: 10 MiB of output, no grace time, 1024 shares',
  ruby: 'Debian\'s ruby and ruby-beefcake, on this machine',
  better: 'what behaviour.md promises beyond the server of 2012: strict frames, one of two creates at once, no output lost',
} as const;
export type Capability = keyof typeof CAPABILITIES;

/** Kinds of servers, by what they lack. */
export const PROFILES: Readonly<Record<'insecure' | 'original', readonly Capability[]>> = {
  insecure: ['accounts', 'inside', 'mounts', 'rootfs', 'network', 'statistics', 'memory', 'cpu', 'disk', 'bandwidth'],
  original: ['better'],
};
