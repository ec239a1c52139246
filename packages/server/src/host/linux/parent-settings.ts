/**
 * What holds for all containers together: settings of the group that theirs are below, written at every start of the server.
 * Pure.
 */
import type { CgroupDescription } from '../container-description.js';
import type { CgroupHierarchy } from './cgroup-hierarchies.js';

/**
 * Share of the processors that the containers have together against one process, or one other group, beside their parent group:
 * the kernel's own default, but written down, so that nothing that was set there earlier lets containers starve the daemon.
 */
const shares = { 1: { name: 'cpu.shares', content: '1024' }, 2: { name: 'cpu.weight', content: '100' } } as const;

export function parentSettings({ version, controllers }: CgroupHierarchy, limits: { readonly totalPidsMax: number }): CgroupDescription['settings'] {
  const settings: { name: string; content: string }[] = [];
  if (controllers.includes('cpu')) settings.push(shares[version]);
  if (controllers.includes('pids')) settings.push({ name: 'pids.max', content: String(limits.totalPidsMax) });
  return settings;
}
