// What went wrong on the disk of this program, as every other error of the client.
import { type ErrorCode, WardenError } from 'warden-protocol';

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'not_found', ENOTDIR: 'not_found', EEXIST: 'exists', EISDIR: 'exists', EACCES: 'permission', EPERM: 'permission', EROFS: 'permission', ENOSPC: 'exhausted', EDQUOT: 'exhausted', EMFILE: 'exhausted', ENFILE: 'exhausted',
};

/** The same error, or one with the code that fits, and the system's own as cause. */
export function localError(reason: unknown): WardenError {
  const code = reason instanceof Error && 'code' in reason && typeof reason.code === 'string' ? CODES[reason.code] : undefined;
  return code === undefined ? WardenError.from(reason) : new WardenError(code, (reason as Error).message, { cause: reason });
}
