/** What a native program answered instead of OK. */
import { constants } from 'node:os';
import { WardenError, type ErrorCode } from 'warden-protocol';
import { faultsOfCopies } from './copy-faults.js';
import { describeErrno } from './errno.js';
import { Tag } from './wire.js';
import type { Attributes } from './wire-codec.js';

/** What a person can change when this step fails so. */
function hintFor(step: string, errno: number): string {
  if (step === 'start job' && errno === constants.errno.EAGAIN) return '; server.container_pids_max limits a container, server.containers_pids_max all together';
  return '';
}

const { E2BIG, EACCES, EBADMSG, EBUSY, ECHILD, EEXIST, EFBIG, EINVAL, EISDIR, ELOOP, ENAMETOOLONG, ENODATA, ENODEV, ENOENT, ENOEXEC, ENOSYS, ENOTDIR, ENOTEMPTY, ENXIO, EOPNOTSUPP, EPERM, ERANGE, EROFS,
  ESRCH, ETIMEDOUT, ETXTBSY, EXDEV } = constants.errno;

export interface Fault {
  readonly code: ErrorCode;
  /** In place of the kernel's own words. */
  readonly text?: string;
}

/** Of work on a container's files: what its user's request has met there. */
const faultsOfFiles = new Map<number, Fault>([
  [ENOENT, { code: 'not_found', text: 'no such file or directory' }],
  [EEXIST, { code: 'exists', text: 'it is there already' }],
  [EACCES, { code: 'permission', text: 'the user may not do that' }],
  [EPERM, { code: 'permission', text: 'the user may not do that' }],
  [EROFS, { code: 'permission', text: 'its file system is read-only' }],
  [ENOTDIR, { code: 'invalid_argument', text: 'something on the way is no directory' }],
  [EISDIR, { code: 'invalid_argument', text: 'it is a directory' }],
  [ENOTEMPTY, { code: 'wrong_state', text: 'the directory is not empty' }],
  [ELOOP, { code: 'invalid_argument', text: 'too many symbolic links, or one that is not followed' }],
  [ENAMETOOLONG, { code: 'invalid_argument', text: 'the name is too long' }],
  [EINVAL, { code: 'invalid_argument', text: 'not possible with that' }],
  [ENXIO, { code: 'invalid_argument', text: 'it is no regular file' }],
  [EXDEV, { code: 'invalid_argument', text: 'the new name is on another file system' }],
  [EFBIG, { code: 'exhausted', text: 'it would be larger than is allowed' }],
  [ETXTBSY, { code: 'wrong_state', text: 'it is a program that is being executed' }],
  [EBUSY, { code: 'wrong_state', text: 'something is mounted there, or uses it' }],
  [EBADMSG, { code: 'invalid_argument', text: 'the archive is damaged, or none' }],
]);

const lacksShaping: Fault = { code: 'unsupported', text: 'this kernel cannot: it needs sch_tbf, sch_ingress, cls_u32, act_mirred and ifb (modprobe them, or install the kernel\'s package of extra modules)' };
const noSuchIdentity = new Map<number, Fault>([[EINVAL, { code: 'invalid_argument', text: 'the container has no such uid or gid' }]]);

const withoutQuotas: readonly [number, Fault][] = [
  [ENOSYS, { code: 'unsupported' }],
  [ESRCH, { code: 'unsupported', text: 'quotas are off' }],
  [ENODATA, { code: 'unsupported', text: 'it was made without one' }],
];

/** Whoever configured or named it can change that, or it meant to refuse the container. */
const failedHook = new Map<number, Fault>([
  [ECHILD, { code: 'unavailable', text: 'the container was not made' }],
  [ETIMEDOUT, { code: 'timeout', text: 'the container was not made' }],
]);

/** Steps that fail because of what a request asked for: no fault of the server's, and nothing for its log. */
const faultsOfRequests: ReadonlyMap<string, ReadonlyMap<number, Fault>> = new Map([
  ['execute program', new Map<number, Fault>([
    [ENOENT, { code: 'not_found', text: 'there is no such program in the container, or no interpreter for it' }],
    [ENOTDIR, { code: 'not_found' }],
    [ELOOP, { code: 'not_found' }],
    [EACCES, { code: 'permission', text: 'the job\'s user may not execute it' }],
    [ENOEXEC, { code: 'invalid_argument', text: 'it is no program that the kernel can execute' }],
    [E2BIG, { code: 'invalid_argument', text: 'its arguments and environment are too long' }],
  ])],
  ['enter directory', new Map<number, Fault>([
    [ENOENT, { code: 'not_found', text: 'there is no such directory in the container' }],
    [ENOTDIR, { code: 'not_found', text: 'it is no directory' }],
    [ELOOP, { code: 'not_found' }],
    [EACCES, { code: 'permission', text: 'the job\'s user may not enter it' }],
  ])],
  ['open mount source', new Map<number, Fault>([
    [ENOENT, { code: 'not_found' }],
    [ENOTDIR, { code: 'not_found' }],
    [EINVAL, { code: 'not_found' }],
    [ELOOP, { code: 'not_found', text: 'a symbolic link was put in its way meanwhile' }],
  ])],
  ...['parent-before-clone', 'parent-after-clone', 'child-before-pivot', 'child-after-pivot'].map((point): [string, ReadonlyMap<number, Fault>] => [`hook ${point}`, failedHook]),
  ['mount overlay', new Map<number, Fault>([[ENOSYS, { code: 'unsupported', text: 'this kernel puts at most 88 layers together; Linux 6.7 and later take 128' }]])],
  ['map mounts', new Map<number, Fault>([[EINVAL, { code: 'unsupported' }]])],
  ['mount volumes', new Map<number, Fault>([
    [ENOENT, { code: 'invalid_argument', text: 'the destination leads nowhere in the container: a symbolic link on the way dangles' }],
    [ENOTDIR, { code: 'invalid_argument', text: 'the destination is a file, or has one on its way, and a directory is needed there' }],
    [EEXIST, { code: 'invalid_argument', text: 'the destination is a symbolic link that leads nowhere in the container' }],
    [ELOOP, { code: 'invalid_argument', text: 'the destination is a loop of symbolic links in the container' }],
    [ENAMETOOLONG, { code: 'invalid_argument' }],
    [EPERM, { code: 'invalid_argument', text: 'nothing can be mounted below /proc and /sys of a container' }],
    [EROFS, { code: 'invalid_argument', text: 'the destination does not exist, and what lies there is read-only' }],
    [EACCES, { code: 'invalid_argument', text: 'the destination does not exist, and root of the container may not make it there' }],
  ])],
  ['find user', new Map<number, Fault>([
    [ENOENT, { code: 'not_found', text: 'the container\'s /etc/passwd has no such user' }],
    [EPERM, { code: 'permission', text: 'only a privileged job can be root' }],
    [EINVAL, { code: 'invalid_argument' }],
  ])],
  ['limit bandwidth', new Map<number, Fault>([
    [ENOENT, lacksShaping],
    [EOPNOTSUPP, lacksShaping],
    [ENODEV, { code: 'wrong_state', text: 'the container\'s link is gone' }],
  ])],
  ['assume identity', noSuchIdentity],
  ['read quota', new Map<number, Fault>(withoutQuotas)],
  ['set quota', new Map<number, Fault>([...withoutQuotas, [ERANGE, { code: 'invalid_argument', text: 'the file system cannot have a limit that large' }]])],
  ...['read file', 'write file', 'list directory', 'stat file', 'make directory', 'remove file', 'rename file', 'extract archive', 'make archive']
    .map((step): [string, ReadonlyMap<number, Fault>] => [step, faultsOfFiles]),
  ...faultsOfCopies,
  ['list processes', new Map<number, Fault>([[EOPNOTSUPP, { code: 'unsupported' }], [ENOENT, { code: 'unsupported', text: 'the container has no /proc' }]])],
  // A container keeps the programs that it was made with, also when its server is replaced by a later one.
  ['read request', new Map<number, Fault>([[EBADMSG, { code: 'unsupported', text: 'the container was made by an earlier server, and its programs do not know this yet' }]])],
  // The pipes belong to the job's user.
  ['set up streams', noSuchIdentity],
]);

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
    const fault = faultsOfRequests.get(step)?.get(errno);
    const { code, text } = { ...describeErrno(errno), ...fault };
    super(code, `${step}${detail === undefined || detail === '' ? '' : ` (${detail})`}: ${text}${hintFor(step, errno)}`);
    this.step = step;
    this.errno = errno;
    this.detail = detail;
    this.owner = attributes.u32(Tag.owner);
  }
}
