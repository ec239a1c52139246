/**
 * A container's information in the replies of its jobs, as it is on the wire. It is encoded when a job has just ended, with cold caches, and most of it
 * is what the server itself knows and what has not changed since the job before: the bytes of that part are kept. The numbers are put behind it;
 * protobuf knows no order of fields.
 */
import { EncodedMessage, encodeInfo, InfoSchema, writeVarint } from 'warden-protocol';
import { bandwidthStatOf } from './bandwidth.js';
import type { Container } from './container.js';
import { netInOf, type ContainerInfo } from './info.js';

/** What the kept bytes were made of. Events only become more. */
interface Known {
  readonly state: string;
  readonly eventCount: number;
  readonly netIn: Container['netIn'];
  readonly bandwidth: Container['bandwidth'];
  readonly inForce: NonNullable<Container['bandwidth']>['inForce'] | undefined;
  readonly bytes: Uint8Array;
}

const kept = new WeakMap<Container, Known>();

/** Of jobs that run on beside the one that has ended. */
const fewJobs = 8;
/** Room for the numbers: seven and the ids of a few jobs, each with its tag at most 13 bytes, and what goes around them. */
const numbers = Buffer.allocUnsafe(256);
const tagOfCpu = lengthDelimited(InfoSchema.field.cpuStat.number);
const tagOfDisk = lengthDelimited(InfoSchema.field.diskStat.number);
const tagOfPids = lengthDelimited(InfoSchema.field.pidsStat.number);
const tagOfMemory = lengthDelimited(InfoSchema.field.memoryStat.number);
const tagOfJobId = InfoSchema.field.jobIds.number << 3;

/**
 * @param info of this container, with what it uses
 * @returns the same, encoded; as it was when it is not of the common kind
 */
export function encodedInfoOf(container: Container, info: ContainerInfo): EncodedMessage | ContainerInfo {
  const { memoryStat, cpuStat, diskStat, pidsStat, jobIds = [] } = info;
  if (info === container.lastInfo || !(memoryStat instanceof EncodedMessage) || jobIds.length > fewJobs) return info;
  if (cpuStat !== undefined && !(isExact(cpuStat.usage) && isExact(cpuStat.user) && isExact(cpuStat.system))) return info;
  if (!isExact(diskStat?.bytesUsed) || !isExact(diskStat?.inodesUsed) || !isExact(pidsStat?.max)) return info;
  let end = 0;
  if (cpuStat !== undefined) end = writeNumbers(end, tagOfCpu, cpuStat.usage, cpuStat.user, cpuStat.system);
  if (diskStat !== undefined) end = writeNumbers(end, tagOfDisk, diskStat.bytesUsed, diskStat.inodesUsed);
  if (pidsStat !== undefined) end = writeNumbers(end, tagOfPids, pidsStat.current, pidsStat.max);
  for (const jobId of jobIds) end = writeVarint(numbers, writeVarint(numbers, end, tagOfJobId), Number(jobId));
  end = writeVarint(numbers, writeVarint(numbers, end, tagOfMemory), memoryStat.bytes.length);
  const known = knownBytes(container, info);
  const encoded = Buffer.allocUnsafe(known.length + end + memoryStat.bytes.length);
  encoded.set(known);
  numbers.copy(encoded, known.length, 0, end);
  encoded.set(memoryStat.bytes, known.length + end);
  return new EncodedMessage(encoded);
}

function knownBytes(container: Container, info: ContainerInfo): Uint8Array {
  const { netIn, bandwidth } = container;
  const inForce = bandwidth?.inForce;
  const { state = '', events = [] } = info;
  const known = kept.get(container);
  if (known !== undefined && known.state === state && known.eventCount === events.length && known.netIn === netIn && known.bandwidth === bandwidth && known.inForce === inForce) return known.bytes;
  // The info may be older: the use of its disk was waited for.
  const now = { netIn: netInOf(container), bandwidthStat: bandwidthStatOf(container) };
  const bytes = encodeInfo({ ...info, ...now, jobIds: [], memoryStat: undefined, cpuStat: undefined, diskStat: undefined, pidsStat: undefined });
  kept.set(container, { state, eventCount: events.length, netIn, bandwidth, inForce, bytes });
  return bytes;
}

/** A message of up to three numbers, numbered from 1 on; it is shorter than 128 bytes, so its length takes one. */
function writeNumbers(start: number, tag: number, first: bigint | undefined, second: bigint | undefined, third?: bigint): number {
  const behindTag = writeVarint(numbers, start, tag);
  let end = behindTag + 1;
  if (first !== undefined) end = writeVarint(numbers, writeVarint(numbers, end, 1 << 3), Number(first));
  if (second !== undefined) end = writeVarint(numbers, writeVarint(numbers, end, 2 << 3), Number(second));
  if (third !== undefined) end = writeVarint(numbers, writeVarint(numbers, end, 3 << 3), Number(third));
  numbers[behindTag] = end - behindTag - 1;
  return end;
}

function isExact(value: bigint | undefined): boolean {
  return value === undefined || value <= Number.MAX_SAFE_INTEGER;
}

function lengthDelimited(fieldNumber: number): number {
  return (fieldNumber << 3) | 2;
}
