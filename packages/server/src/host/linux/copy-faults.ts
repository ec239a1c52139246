/** What goes wrong with a copy because of what it is to copy, or where. */
import { constants } from 'node:os';
import type { Fault } from './step-error.js';

const { EACCES, EBUSY, ECANCELED, ECHILD, ECONNREFUSED, EDQUOT, EEXIST, EFBIG, EINVAL, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM, EPIPE, EROFS, ETXTBSY, EWOULDBLOCK } = constants.errno;

const copies = new Map<number, Fault>([
  [ENOENT, { code: 'not_found', text: 'no such file or directory' }],
  [ENOTDIR, { code: 'invalid_argument', text: 'it is no directory' }],
  [EISDIR, { code: 'invalid_argument', text: 'a directory is in the way of something that is none' }],
  [EEXIST, { code: 'invalid_argument', text: 'something else is in the way' }],
  [EACCES, { code: 'permission', text: 'permission denied' }],
  [EPERM, { code: 'permission', text: 'operation not permitted' }],
  [EROFS, { code: 'permission', text: 'the file system is read-only' }],
  [EINVAL, { code: 'invalid_argument', text: 'it cannot be so' }],
  [ELOOP, { code: 'invalid_argument', text: 'too many levels, or a link that is not followed' }],
  [ENAMETOOLONG, { code: 'invalid_argument', text: 'the name is too long' }],
  [EDQUOT, { code: 'exhausted', text: 'more than the limit of one copy (files.copy_entries_max, files.copy_bytes_max), or of the disk' }],
  [EFBIG, { code: 'exhausted', text: 'the file system has no files of that size' }],
  [EBUSY, { code: 'wrong_state', text: 'somebody else is using it' }],
  [ETXTBSY, { code: 'wrong_state', text: 'it is being executed' }],
  [EWOULDBLOCK, { code: 'exhausted', text: 'too many copies are under way, or somebody holds a lease on the file' }],
  [ECANCELED, { code: 'canceled', text: 'the copy was given up' }],
  [EPIPE, { code: 'unavailable', text: 'the other side of the copy has ended' }],
  [ECHILD, { code: 'unavailable', text: 'this side of the copy has ended' }],
]);

/** The container's end is the monitor's to start. */
const withoutMonitor = new Map<number, Fault>([...copies, ...[ENOENT, ECONNREFUSED].map((errno): [number, Fault] => [errno, { code: 'unavailable', text: 'the container\'s monitor is gone' }])]);

export const faultsOfCopies: readonly (readonly [string, ReadonlyMap<number, Fault>])[] = [
  ['copy', copies],
  ['copy on the host', copies],
  ['copy in the container', copies],
  ['start copy in the container', withoutMonitor],
];
