/** Files of a container's cgroups that tell what it uses, and how numbers are read from them. Pure. */
import type { CgroupHierarchy } from './cgroup-hierarchies.js';

/** The hierarchy that tells of each; undefined: none does. */
export interface UsageHierarchies {
  readonly memory: CgroupHierarchy | undefined;
  readonly cpu: CgroupHierarchy | undefined;
  readonly pids: CgroupHierarchy | undefined;
}

export function usageHierarchies(hierarchies: readonly CgroupHierarchy[]): UsageHierarchies {
  const having = (name: string): CgroupHierarchy | undefined => hierarchies.find(({ controllers }) => controllers.includes(name));
  return {
    memory: having('memory'),
    pids: having('pids'),
    // Every group of version 2 has cpu.stat, with its controller or without.
    cpu: hierarchies.find(({ version, controllers }) => version === 1 && controllers.includes('cpuacct')) ?? hierarchies.find(({ version }) => version === 2),
  };
}

const files = {
  memory: { 1: ['memory.stat'], 2: ['memory.stat', 'memory.swap.current', 'memory.max', 'memory.swap.max'] },
  cpu: { 1: ['cpuacct.usage', 'cpuacct.stat'], 2: ['cpu.stat'] },
  pids: { 1: ['pids.current', 'pids.max'], 2: ['pids.current', 'pids.max'] },
} as const;

/** What is read of a container's group in one of the hierarchies. */
export function usageFilesIn(hierarchy: CgroupHierarchy, chosen: UsageHierarchies): string[] {
  return (['memory', 'cpu', 'pids'] as const).filter((what) => chosen[what] === hierarchy).flatMap((what) => files[what][hierarchy.version]);
}

const newline = 0x0a;
const space = 0x20;
const zero = 0x30;
const nine = 0x39;
/** A number of so many digits is exact as a double. */
const exactDigits = 15;

/** The decimal number at the beginning of a text, or from a byte of it on; 0 when there is none. */
export function numberAt(text: Buffer, start = 0): bigint {
  let value = 0;
  let end = start;
  for (let digit = text[end] ?? 0; digit >= zero && digit <= nine; digit = text[++end] ?? 0) value = value * 10 + digit - zero;
  return end - start <= exactDigits ? BigInt(value) : BigInt(text.toString('latin1', start, end));
}

/** The value of a line `name value`; 0 when there is none. */
export function numberOf(text: Buffer, name: string): bigint {
  for (let line = 0; line < text.length; ) {
    let at = line;
    while (at - line < name.length && text[at] === name.charCodeAt(at - line)) at++;
    if (at - line === name.length && text[at] === space) return numberAt(text, at + 1);
    while (at < text.length && text[at] !== newline) at++;
    line = at + 1;
  }
  return 0n;
}
