/* The machine that the figures belong to. */
import { readFileSync, statfsSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** Of the file system that holds a path: the last mount whose mount point is a prefix of it. */
function fileSystemOf(path: string): string {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').map((line) => {
    const [before = '', after = ''] = line.split(' - ');
    return { point: before.split(' ')[4] ?? '', type: after.split(' ')[0] ?? '' };
  });
  const inside = mounts.filter(({ point }) => point === '/' || path === point || path.startsWith(`${point}/`));
  return inside.sort((left, right) => left.point.length - right.point.length).at(-1)?.type ?? 'unknown';
}

function cgroupVersion(): string {
  const mounts = readFileSync('/proc/self/mounts', 'utf8');
  const controllers = (mounts.match(/^\S+ \S+ cgroup .*$/gm) ?? []).filter((line) => !line.includes('name=')).length;
  const v2 = / cgroup2 /.test(mounts);
  if (controllers === 0) return 'cgroup v2';
  return `${controllers} cgroup v1 hierarchies${v2 ? ' and a v2 tree' : ''}`;
}

function distribution(): string {
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
}

export function describeMachine(directory: string): string[] {
  const all = cpus();
  const { type } = statfsSync(directory);
  return [
    `${distribution()}, Linux ${release()}, ${all.length} × ${all[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.versions.node}`,
    `depots on ${fileSystemOf(directory)} (0x${type.toString(16)}) at ${directory}, ${cgroupVersion()}`,
    `load average when the run began: ${loadavg().map((value) => value.toFixed(2)).join(' ')}; ${new Date().toISOString()}`,
  ];
}
