/** What a monitor reports to whoever watches it. Pure. */
import type { MonitorEvent } from '../monitor.js';
import { readEnd } from './job-messages.js';
import { EventKind, Tag } from './wire.js';
import type { Attributes } from './wire-codec.js';

/** Undefined: an event of another version. */
export function readEvent(attributes: Attributes): MonitorEvent | undefined {
  switch (attributes.requiredU32(Tag.event)) {
    case EventKind.outputLimit:
      return { kind: 'output_limit', jobId: attributes.requiredU32(Tag.jobId) };
    case EventKind.jobTimedOut:
      return { kind: 'job_timed_out', jobId: attributes.requiredU32(Tag.jobId) };
    case EventKind.outOfMemory:
      return { kind: 'out_of_memory' };
    case EventKind.wshdDied:
      return { kind: 'init_died', status: attributes.u32(Tag.status) ?? 0 };
    case EventKind.jobEnded:
      return { kind: 'job_ended', jobId: attributes.requiredU32(Tag.jobId), exit: readEnd(attributes) };
    case EventKind.rlimitClamped:
      return {
        kind: 'rlimit_clamped',
        jobId: attributes.requiredU32(Tag.jobId),
        resource: attributes.requiredU32(Tag.resource),
        hard: attributes.u64(Tag.hard) ?? 0n,
      };
    case EventKind.recordFailed:
      return { kind: 'record_failed', jobId: attributes.requiredU32(Tag.jobId), errno: attributes.u32(Tag.errno) ?? 0 };
    default:
      return undefined;
  }
}
