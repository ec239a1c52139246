/**
 * Which cgroup hierarchies the machine has: version 1 (one or several controllers each), version 2, or both (hybrid). Read
 * from the mount table, pure but for that.
 */
import { WardenError } from 'warden-protocol';

export interface CgroupHierarchy {
  readonly version: 1 | 2;
  /** Where it is mounted. */
  readonly mountPoint: string;
  /** Controllers of a version 1 hierarchy; of version 2 those that are available at its root. */
  readonly controllers: readonly string[];
}

/** Controllers of version 1 that warden uses; named hierarchies (systemd's) belong to somebody else. */
const usedControllers: ReadonlySet<string> = new Set(['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids', 'net_cls', 'net_prio', 'hugetlb']);

/**
 * The hierarchies below `root` in the text of /proc/self/mounts.
 * @param readControllers the text of cgroup.controllers of a version 2 mount
 * @throws WardenError unsupported when there is none of the version asked for
 */
export function findHierarchies(mounts: string, root: string, choice: 'auto' | 'v1' | 'v2', readControllers: (mountPoint: string) => string): CgroupHierarchy[] {
  const found: CgroupHierarchy[] = [];
  const seen = new Set<string>();
  for (const line of mounts.split('\n')) {
    const [, mountPoint, type, options] = line.split(' ');
    if (mountPoint === undefined || options === undefined) continue;
    if (mountPoint !== root && !mountPoint.startsWith(`${root}/`)) continue;
    if (type === 'cgroup2' && choice !== 'v1') {
      found.push({ version: 2, mountPoint, controllers: readControllers(mountPoint).split(/\s+/).filter((name) => name !== '') });
    } else if (type === 'cgroup' && choice !== 'v2') {
      const controllers = options.split(',').filter((option) => usedControllers.has(option));
      const key = controllers.join(',');
      if (controllers.length === 0 || seen.has(key)) continue;
      seen.add(key);
      found.push({ version: 1, mountPoint, controllers });
    }
  }
  if (found.length === 0) {
    const wanted = choice === 'auto' ? 'no cgroup' : `no cgroup ${choice}`;
    throw new WardenError('unsupported', `${wanted} file system is mounted at or below ${root} (server.cgroup_version, server.cgroup_root)`);
  }
  return found;
}
