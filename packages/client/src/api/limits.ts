// What a box may use.
import type { WardenClient } from '../client.js';
import type { CallOptions } from '../cancellation.js';
import { wholeNumber } from '../job-request.js';

/** What is left out stays as it is. */
export interface Limits {
  /** Bytes of memory and swap, in whole pages. */
  readonly memoryBytes?: number | bigint | undefined;
  /** Bytes on disk, in whole blocks of 1024; 0 is no limit. */
  readonly diskBytes?: number | bigint | undefined;
  /** Files, directories and links; 0 is no limit. */
  readonly inodes?: number | bigint | undefined;
  /** Its part of the processors when they are short: 1024 unless set. */
  readonly cpuShares?: number | undefined;
  /** Processors it may use, fractions too: 0.5 is half of one; 0 is no limit. */
  readonly processors?: number | undefined;
  /** Processors it may run on, such as `0-2,5`; empty is all. */
  readonly cpuList?: string | undefined;
  /** Processes and threads. */
  readonly processes?: number | bigint | undefined;
  readonly bandwidth?: { readonly bytesPerSecond: number | bigint; readonly burstBytes: number | bigint } | undefined;
}

/** What is in force. */
export interface LimitsInForce {
  /** 9223372036854771712 is no limit. */
  memoryBytes: bigint;
  diskBytes: bigint | undefined;
  inodes: bigint | undefined;
  cpuShares: number;
  /** Undefined is no limit. */
  processors: number | undefined;
  cpuList: string | undefined;
  /** Undefined is no limit of its own. */
  processes: bigint | undefined;
}

/** The kernel's period of processor time. */
const PERIOD_US = 100_000;

/** Sets all at once. Rejects with the first error; what was set before it stays. */
export async function setLimits(client: WardenClient, handle: string, limits: Limits, options?: CallOptions): Promise<void> {
  const { memoryBytes, diskBytes, inodes, cpuShares, processors, cpuList, processes, bandwidth } = limits;
  const calls: Promise<unknown>[] = [];
  if (memoryBytes !== undefined) calls.push(client.limitMemory({ handle, limitInBytes: wholeNumber('memoryBytes', memoryBytes) }, options));
  if (diskBytes !== undefined || inodes !== undefined) {
    calls.push(client.limitDisk({
      handle,
      ...(diskBytes === undefined ? {} : { byteLimit: wholeNumber('diskBytes', diskBytes) }),
      ...(inodes === undefined ? {} : { inodeLimit: wholeNumber('inodes', inodes) }),
    }, options));
  }
  if (cpuShares !== undefined || processors !== undefined || cpuList !== undefined) {
    calls.push(client.limitCpu({
      handle,
      ...(cpuShares === undefined ? {} : { limitInShares: wholeNumber('cpuShares', cpuShares) }),
      ...(processors === undefined ? {} : { quotaInUs: wholeNumber('processors', Math.round(processors * PERIOD_US)), periodInUs: BigInt(PERIOD_US) }),
      ...(cpuList === undefined ? {} : { cpus: cpuList }),
    }, options));
  }
  if (processes !== undefined) calls.push(client.limitPids({ handle, limit: wholeNumber('processes', processes) }, options));
  if (bandwidth !== undefined) {
    calls.push(client.limitBandwidth({ handle, rate: wholeNumber('bytesPerSecond', bandwidth.bytesPerSecond), burst: wholeNumber('burstBytes', bandwidth.burstBytes) }, options));
  }
  await allOrFirstError(calls);
}

/** Reads them. Disk limits are undefined where the server cannot have any. */
export async function readLimits(client: WardenClient, handle: string, options?: CallOptions): Promise<LimitsInForce> {
  const [memory, cpu, disk, { pidsStat }] = await Promise.all([
    client.limitMemory({ handle }, options),
    client.limitCpu({ handle }, options),
    client.limitDisk({ handle }, options).catch((error: { code?: string }) => {
      if (error.code === 'unsupported') return {};
      throw error;
    }),
    client.info({ handle }, options),
  ]);
  const { quotaInUs, periodInUs = BigInt(PERIOD_US), cpus } = cpu;
  return {
    memoryBytes: memory.limitInBytes ?? 0n,
    diskBytes: 'byteLimit' in disk ? disk.byteLimit : undefined,
    inodes: 'inodeLimit' in disk ? disk.inodeLimit : undefined,
    cpuShares: Number(cpu.limitInShares ?? 0n),
    processors: quotaInUs === undefined ? undefined : Number(quotaInUs) / Number(periodInUs),
    cpuList: cpus,
    processes: pidsStat?.max,
  };
}

/** Waits for all before it rejects, so that nothing goes on behind the caller's back. */
export async function allOrFirstError(calls: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(calls)) if (outcome.status === 'rejected') throw outcome.reason;
}
