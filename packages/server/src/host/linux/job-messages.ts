/** Jobs in the messages of a container's monitor: the description of one that is to start, records, and how one ended. Pure. */
import type { Mutable } from '../../lib/mutable.js';
import type { JobDescription, JobExit, JobRecord, JobRlimit } from '../monitor.js';
import type { UsageTexts } from '../statistics.js';
import { ExitKind, JobState, Tag } from './wire.js';
import { FrameWriter, type Attributes } from './wire-codec.js';

/** Undefined: the job still runs. */
export function readExit(attributes: Attributes): JobExit | undefined {
  return attributes.u32(Tag.exitKind) === undefined ? undefined : readEnd(attributes);
}

/** How a job ended that did. */
export function readEnd(attributes: Attributes): JobExit {
  const value = attributes.u32(Tag.exitValue) ?? 0;
  const kind = attributes.u32(Tag.exitKind);
  const exit: Mutable<JobExit> = kind === ExitKind.exited ? { kind: 'exited', status: value } : kind === ExitKind.signalled ? { kind: 'signalled', signal: value } : { kind: 'lost' };
  if (attributes.u32(Tag.outputCut) === 1) exit.outputCut = true;
  if (attributes.u32(Tag.timedOut) === 1) exit.timedOut = true;
  if (attributes.u32(Tag.outOfMemory) === 1) exit.outOfMemory = true;
  if (attributes.u32(Tag.forgotten) === 1) exit.forgotten = true;
  return exit;
}

/** The files of the container's groups that came with the end of a job; undefined: none did. */
export function readUsage(attributes: Attributes): UsageTexts | undefined {
  return attributes.has(Tag.usage) ? { get: (name) => attributes.behindName(Tag.usage, name) } : undefined;
}

/** A job of the reply to LIST. */
export function readRecord(job: Attributes): JobRecord {
  return {
    jobId: job.requiredU32(Tag.jobId),
    exit: job.requiredU32(Tag.state) === JobState.ended ? readEnd(job) : undefined,
    outputBytes: job.u64(Tag.position) ?? 0n,
    startedMs: job.u64(Tag.startedMs),
    endedMs: job.u64(Tag.endedMs),
    pid: job.u32(Tag.pid),
    command: job.text(Tag.command),
  };
}

export function writeJob(writer: FrameWriter, job: JobDescription): FrameWriter {
  writer.raw(commonAttributes(job)).u32(Tag.jobId, job.jobId).text(Tag.command, job.command).u32(Tag.uid, job.uid).u32(Tag.gid, job.gid);
  return job.script === undefined ? writer : writer.bytes(Tag.script, job.script);
}

/** Of jobs with the same environment, what was written last, and of which job. */
const writtenCommon = new WeakMap<readonly string[], { readonly job: JobDescription; readonly attributes: Uint8Array }>();

/** All but what differs from job to job and from container to container: the same for nearly all jobs, which have the same arrays in them. */
function commonAttributes(job: JobDescription): Uint8Array {
  const last = writtenCommon.get(job.environment);
  if (last !== undefined && isAlike(last.job, job)) return last.attributes;
  const attributes = writeCommon(new FrameWriter(), job).attributes();
  writtenCommon.set(job.environment, { job: { ...job, script: undefined }, attributes });
  return attributes;
}

function isAlike(one: JobDescription, other: JobDescription): boolean {
  return one.argv === other.argv && one.rlimits === other.rlimits && one.privileged === other.privileged
    && one.workingDirectory === other.workingDirectory && one.requireDirectory === other.requireDirectory && one.userName === other.userName
    && one.outputLimitInBytes === other.outputLimitInBytes && one.discard === other.discard && one.openInput === other.openInput && one.terminal === other.terminal
    && one.timeoutMs === other.timeoutMs && one.log === other.log;
}

function writeCommon(writer: FrameWriter, job: JobDescription): FrameWriter {
  writer
    .u32(Tag.privileged, job.privileged ? 1 : 0)
    .u64(Tag.outputLimit, job.outputLimitInBytes)
    .u32(Tag.discard, job.discard ? 1 : 0);
  if (job.workingDirectory !== undefined) writer.text(Tag.workingDirectory, job.workingDirectory);
  if (job.requireDirectory) writer.u32(Tag.requireDirectory, 1);
  if (job.userName !== undefined) writer.text(Tag.userName, job.userName);
  if (job.openInput) writer.u32(Tag.openInput, 1);
  if (job.terminal !== undefined) writer.u32(Tag.terminal, 1).u32(Tag.rows, job.terminal.rows).u32(Tag.columns, job.terminal.columns);
  if (job.timeoutMs !== undefined) writer.u64(Tag.timeoutMs, job.timeoutMs);
  if (job.log !== undefined) writer.text(Tag.logTag, job.log.tag).text(Tag.timeZone, job.log.timeZone);
  for (const argument of job.argv) writer.text(Tag.argument, argument);
  for (const variable of job.environment) writer.text(Tag.environment, variable);
  return writer.raw(rlimitAttributes(job.rlimits));
}

/** Nearly all jobs have the same limits, in the same array. */
const writtenRlimits = new WeakMap<readonly JobRlimit[], Uint8Array>();

function rlimitAttributes(rlimits: readonly JobRlimit[]): Uint8Array {
  let written = writtenRlimits.get(rlimits);
  if (written === undefined) {
    const writer = new FrameWriter();
    for (const { resource, soft, hard } of rlimits) {
      writer.nested(Tag.rlimit, () => writer.u32(Tag.resource, resource).u64(Tag.soft, soft).u64(Tag.hard, hard));
    }
    writtenRlimits.set(rlimits, written = writer.attributes());
  }
  return written;
}
