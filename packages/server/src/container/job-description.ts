/** From a spawn or run request to the complete description of a job. Pure. */
import { WardenError, type RequestOf, type Type } from 'warden-protocol';
import type { RlimitName } from '../lib/rlimit-names.js';
import type { JobDescription } from '../host/monitor.js';
import { rlimitsOf } from './rlimits.js';
import { rootUser, vcapUser } from './users.js';

export type JobRequest = RequestOf<Type.Spawn> | RequestOf<Type.Run>;

export interface JobDefaults {
  readonly jobId: number;
  /** uid and gid of vcap. */
  readonly vcap: number;
  readonly lang: string;
  readonly rlimits: ReadonlyMap<RlimitName, number>;
  readonly outputLimitInBytes: number;
}

/** @throws WardenError unsupported for log_tag, which would otherwise be lost in silence */
export function checkJobRequest(request: JobRequest): void {
  if (request.logTag !== undefined && request.logTag !== '') {
    throw new WardenError('unsupported', 'log_tag: this version cannot send output to syslog; leave it out');
  }
}

export function describeJob(request: JobRequest, { jobId, vcap, lang, rlimits, outputLimitInBytes }: JobDefaults): JobDescription {
  const user = request.privileged === true ? rootUser(lang) : vcapUser(vcap, lang);
  return {
    jobId,
    argv: ['/bin/bash'],
    environment: user.environment,
    script: Buffer.from(request.script, 'utf8'),
    workingDirectory: user.home,
    uid: user.id,
    gid: user.id,
    privileged: user.privileged,
    rlimits: rlimitsOf(rlimits, request.rlimits),
    outputLimitInBytes: BigInt(outputLimitInBytes),
    discard: request.discardOutput ?? false,
  };
}
