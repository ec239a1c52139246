/** Groups disappear while one looks at them: their monitor removes them, too, and its containers' processes end. */
import { isErrno } from './small-file.js';

/** ENOENT: the path leads to nothing any more; ENODEV: the file was open already when its group went. */
export function unlessGone<T>(gone: T, look: () => T): T {
  try {
    return look();
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENODEV')) return gone;
    throw error;
  }
}
