/** What a native program answered instead of OK. */
import { constants } from 'node:os';
import { WardenError } from 'warden-protocol';
import { describeErrno } from './errno.js';
import { Tag } from './wire.js';
import type { Attributes } from './wire-codec.js';

/** What a person can change when this step fails so. */
function hintFor(step: string, errno: number): string {
  if (step === 'start job' && errno === constants.errno.EAGAIN) return '; the container may have as many processes as server.container_pids_max allows';
  return '';
}

/** A step of a native program failed. The message names the step, the object and the cause. */
export class StepError extends WardenError {
  override readonly name = 'StepError';
  /** What the program was doing, for example "mount overlay". */
  readonly step: string;
  readonly errno: number;
  /** On what, for example a path. */
  readonly detail: string | undefined;
  /** Who holds the depot's lock, in the error of a second wardend. */
  readonly owner: number | undefined;

  /** @param attributes the body of an ERROR frame */
  constructor(attributes: Attributes) {
    const step = attributes.text(Tag.step) ?? 'unknown step';
    const errno = attributes.u32(Tag.errno) ?? 0;
    const detail = attributes.text(Tag.detail);
    const { code, text } = describeErrno(errno);
    super(code, `${step}${detail === undefined || detail === '' ? '' : ` (${detail})`}: ${text}${hintFor(step, errno)}`);
    this.step = step;
    this.errno = errno;
    this.detail = detail;
    this.owner = attributes.u32(Tag.owner);
  }
}
