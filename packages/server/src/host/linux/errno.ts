/**
 * Kernel error numbers in the words of a person who has to act on them.
 */
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import type { ErrorCode } from 'warden-protocol';

/** Numbers that say that something ran out, and what. */
const exhausted: ReadonlyMap<number, string> = new Map([
  [constants.errno.ENOSPC, 'no space left on the device'],
  [constants.errno.EDQUOT, 'the disk quota is used up'],
  [constants.errno.ENOMEM, 'out of memory'],
  [constants.errno.EMFILE, 'too many open files in the process'],
  [constants.errno.ENFILE, 'too many open files in the system'],
  [constants.errno.EAGAIN, 'out of processes, or of another resource that is free again later'],
]);

/** The code and the sentence for an error number. */
export function describeErrno(errno: number): { code: ErrorCode; text: string } {
  const [name, sentence] = getSystemErrorMap().get(-errno) ?? [`error ${errno}`, 'unknown error'];
  const scarce = exhausted.get(errno);
  if (scarce !== undefined) return { code: 'exhausted', text: `${scarce} (${name})` };
  if (errno === constants.errno.ETIMEDOUT) return { code: 'timeout', text: `took too long (${name})` };
  if (errno === constants.errno.ESRCH) return { code: 'unavailable', text: `${sentence} (${name})` };
  return { code: 'internal', text: `${sentence} (${name})` };
}
