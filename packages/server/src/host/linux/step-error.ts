/** What a native program answered instead of OK. */
import { WardenError } from 'warden-protocol';
import { describeErrno } from './errno.js';
import { Tag } from './wire.js';
import type { Attributes } from './wire-codec.js';

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
    super(code, `${step}${detail === undefined || detail === '' ? '' : ` (${detail})`}: ${text}`);
    this.step = step;
    this.errno = errno;
    this.detail = detail;
    this.owner = attributes.u32(Tag.owner);
  }
}
