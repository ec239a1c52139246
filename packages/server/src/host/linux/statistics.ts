/** What containers use, from their cgroups. */
import { join } from 'node:path';
import type { EncodedMessage } from 'warden-protocol';
import type { CpuStatistics, MemoryStatistics, PidsStatistics, Statistics, UsageTexts } from '../statistics.js';
import type { CgroupHierarchy } from './cgroup-hierarchies.js';
import { KeptFiles } from './kept-files.js';
import { MemoryStatEncoder } from './memory-stat-encoder.js';
import { memoryStatisticsOfVersion1, memoryStatisticsOfVersion2 } from './memory-statistics.js';
import { numberAt, numberOf, usageHierarchies } from './usage-files.js';

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
    const { memory, cpu, pids } = usageHierarchies(hierarchies);
    const groupIn = (found: CgroupHierarchy | undefined): Group | undefined =>
      found === undefined ? undefined : { parent: join(found.mountPoint, parent), version: found.version };
    this.#memory = groupIn(memory);
    this.#cpu = groupIn(cpu);
    this.#pids = groupIn(pids);
  }

  memory(containerId: string, told?: UsageTexts): MemoryStatistics | undefined {
    if (this.#memory === undefined) return undefined;
    const { parent, version } = this.#memory;
    const directory = `${parent}/${containerId}`;
    const read = (name: string): string | undefined => told?.get(name)?.toString('latin1') ?? this.#files.read(containerId, directory, name);
    const text = read('memory.stat');
    if (text === undefined || version === 1) return text === undefined ? undefined : memoryStatisticsOfVersion1(text);
    return memoryStatisticsOfVersion2(text, {
      swapCurrent: read('memory.swap.current'),
      max: read('memory.max'),
      swapMax: read('memory.swap.max'),
      parentMax: this.#files.read(containerId, parent, 'memory.max'),
    });
  }

  encodedMemory(containerId: string, told?: UsageTexts): EncodedMessage | MemoryStatistics | undefined {
    if (this.#memory?.version !== 1) return this.memory(containerId, told);
    const text = this.#bytes(this.#memory, containerId, 'memory.stat', told);
    return text === undefined ? undefined : this.#encoder.encode(text) ?? this.memory(containerId, told);
  }

  cpu(containerId: string, told?: UsageTexts): CpuStatistics | undefined {
    if (this.#cpu === undefined) return undefined;
    if (this.#cpu.version === 2) {
      const text = this.#bytes(this.#cpu, containerId, 'cpu.stat', told);
      return text === undefined ? undefined : { usage: numberOf(text, 'usage_usec') * 1000n, user: numberOf(text, 'user_usec') / usPerTick, system: numberOf(text, 'system_usec') / usPerTick };
    }
    const usageText = this.#bytes(this.#cpu, containerId, 'cpuacct.usage', told);
    if (usageText === undefined) return undefined;
    const usage = numberAt(usageText);
    const text = this.#bytes(this.#cpu, containerId, 'cpuacct.stat', told);
    return text === undefined ? undefined : { usage, user: numberOf(text, 'user'), system: numberOf(text, 'system') };
  }

  pids(containerId: string, told?: UsageTexts): PidsStatistics | undefined {
    if (this.#pids === undefined) return undefined;
    const currentText = this.#bytes(this.#pids, containerId, 'pids.current', told);
    if (currentText === undefined) return undefined;
    const current = numberAt(currentText);
    const max = this.#bytes(this.#pids, containerId, 'pids.max', told);
    return max === undefined ? undefined : { current, max: max[0] === letterM ? undefined : numberAt(max) };
  }

  forget(containerId: string): void {
    this.#files.forget(containerId);
  }

  /** The text of a file, valid until the next is read. */
  #bytes({ parent }: Group, containerId: string, name: string, told: UsageTexts | undefined): Buffer | undefined {
    return told?.get(name) ?? this.#files.readBytes(containerId, `${parent}/${containerId}`, name);
  }
}

/** USER_HZ is 100 on every architecture that Node runs on. */
const usPerTick = 10_000n;

/** Of `max`, which stands for no limit. */
const letterM = 0x6d;
