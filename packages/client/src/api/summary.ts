// A box in a list of them.
import type { ContainerSummary } from 'warden-protocol';
import { type Labels, labelsOf, type LabelsWanted } from './labels.js';
import { type ExposedPort, exposedPort } from './network.js';

/** What a list tells of a box. */
export interface BoxSummary {
  readonly handle: string;
  readonly state: string;
  readonly containerIp: string | undefined;
  /** What it was made of. */
  readonly rootfs: string | undefined;
  readonly labels: Labels;
  readonly created: Date | undefined;
  /** Milliseconds until it is destroyed, used or not; undefined: it has no such end. */
  readonly ttlLeftMs: number | undefined;
  /** Ports of the host that lead to it. */
  readonly exposed: readonly ExposedPort[];
  /** How many of its jobs run. */
  readonly runningJobs: number;
}

export interface ListOptions {
  /** Only those that have all of these. */
  readonly labels?: LabelsWanted | undefined;
}

export function summaryOf({ handle, state, containerIp, rootfs, labels, createdMs, ttlLeftMs, netIn, jobs = 0 }: ContainerSummary): BoxSummary {
  return {
    handle, state, containerIp, rootfs, labels: labelsOf(labels), exposed: netIn.map(exposedPort), runningJobs: jobs,
    created: createdMs === undefined ? undefined : new Date(Number(createdMs)), ttlLeftMs: ttlLeftMs === undefined ? undefined : Number(ttlLeftMs),
  };
}
