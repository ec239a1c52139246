/* The cgroups of a run, in all hierarchies. */
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';

const ROOT = '/sys/fs/cgroup';

function subdirectories(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory, { withFileTypes: true }).flatMap((entry) => entry.isDirectory() ? [`${directory}/${entry.name}`] : []) : [];
}

/** Those that a run with this name has at the top of the hierarchies, of peers, too. */
export function groupsNamed(name: string): string[] {
  const isOurs = (path: string): boolean => path.endsWith(`/${name}`) || path.endsWith(`/${name}-peers`);
  const top = subdirectories(ROOT);
  return [...top, ...top.filter((path) => !isOurs(path)).flatMap(subdirectories)].filter(isOurs);
}

/** In a group and those below it. */
export function processesIn(group: string): number[] {
  const own = existsSync(`${group}/cgroup.procs`) ? readFileSync(`${group}/cgroup.procs`, 'utf8').split('\n').filter((line) => line !== '').map(Number) : [];
  return [...own, ...subdirectories(group).flatMap(processesIn)];
}

/** A group and those below it, which have no processes. */
export function removeTree(group: string): void {
  for (const below of subdirectories(group)) removeTree(below);
  if (existsSync(group)) rmdirSync(group);
}
