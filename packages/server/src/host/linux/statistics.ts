/** What containers use, from their cgroups. */
import { join } from 'node:path';
import type { EncodedMessage } from 'warden-protocol';
import type { CpuStatistics, MemoryStatistics, PidsStatistics, Statistics } from '../statistics.js';
import type { CgroupHierarchy } from './cgroup-hierarchies.js';
import { KeptFiles } from './kept-files.js';
import { MemoryStatEncoder } from './memory-stat-encoder.js';
import { memoryStatisticsOfVersion1, memoryStatisticsOfVersion2 } from './memory-statistics.js';

interface Group {
  /** Of the group that all containers are in. */
  readonly parent: string;
  readonly version: 1 | 2;
}

/** Containers of which the files stay open. */
const keptContainers = 32;

export class LinuxStatistics implements Statistics {
  readonly #memory: Group | undefined;
  readonly #cpu: Group | undefined;
  readonly #pids: Group | undefined;
  readonly #encoder = new MemoryStatEncoder();
  readonly #files = new KeptFiles(keptContainers);

  /** @param parent name of the group that all containers are in */
  constructor(hierarchies: readonly CgroupHierarchy[], parent: string) {
    const groupOf = (accepts: (hierarchy: CgroupHierarchy) => boolean): Group | undefined => {
      const found = hierarchies.find(accepts);
      return found === undefined ? undefined : { parent: join(found.mountPoint, parent), version: found.version };
    };
    this.#memory = groupOf(({ controllers }) => controllers.includes('memory'));
    this.#pids = groupOf(({ controllers }) => controllers.includes('pids'));
    // Every group of version 2 has cpu.stat, with its controller or without.
    this.#cpu = groupOf(({ version, controllers }) => version === 1 && controllers.includes('cpuacct')) ?? groupOf(({ version }) => version === 2);
  }

  memory(containerId: string): MemoryStatistics | undefined {
    if (this.#memory === undefined) return undefined;
    const { parent, version } = this.#memory;
    const directory = `${parent}/${containerId}`;
    const text = this.#files.read(containerId, directory, 'memory.stat');
    if (text === undefined || version === 1) return text === undefined ? undefined : memoryStatisticsOfVersion1(text);
    return memoryStatisticsOfVersion2(text, {
      swapCurrent: this.#files.read(containerId, directory, 'memory.swap.current'),
      max: this.#files.read(containerId, directory, 'memory.max'),
      swapMax: this.#files.read(containerId, directory, 'memory.swap.max'),
      parentMax: this.#files.read(containerId, parent, 'memory.max'),
    });
  }

  encodedMemory(containerId: string): EncodedMessage | MemoryStatistics | undefined {
    if (this.#memory?.version !== 1) return this.memory(containerId);
    const text = this.#files.readBytes(containerId, `${this.#memory.parent}/${containerId}`, 'memory.stat');
    return text === undefined ? undefined : this.#encoder.encode(text) ?? this.memory(containerId);
  }

  cpu(containerId: string): CpuStatistics | undefined {
    if (this.#cpu === undefined) return undefined;
    const directory = `${this.#cpu.parent}/${containerId}`;
    if (this.#cpu.version === 2) {
      const text = this.#files.read(containerId, directory, 'cpu.stat');
      return text === undefined ? undefined : { usage: valueIn(text, 'usage_usec') * 1000n, user: valueIn(text, 'user_usec') / usPerTick, system: valueIn(text, 'system_usec') / usPerTick };
    }
    const usage = this.#files.read(containerId, directory, 'cpuacct.usage');
    const text = this.#files.read(containerId, directory, 'cpuacct.stat');
    return usage === undefined || text === undefined ? undefined : { usage: BigInt(usage.trim()), user: valueIn(text, 'user'), system: valueIn(text, 'system') };
  }

  pids(containerId: string): PidsStatistics | undefined {
    if (this.#pids === undefined) return undefined;
    const directory = `${this.#pids.parent}/${containerId}`;
    const current = this.#files.read(containerId, directory, 'pids.current');
    const max = this.#files.read(containerId, directory, 'pids.max')?.trim();
    if (current === undefined || max === undefined) return undefined;
    return { current: BigInt(current.trim()), max: max === 'max' ? undefined : BigInt(max) };
  }

  forget(containerId: string): void {
    this.#files.forget(containerId);
  }
}

/** USER_HZ is 100 on every architecture that Node runs on. */
const usPerTick = 10_000n;

/** The value of a line `name value`; 0 when there is none. */
function valueIn(text: string, name: string): bigint {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? 0n : BigInt(line.slice(name.length + 1));
}
