/** The tag under which lines of a job go to syslog: untrusted text of which only a plain name is taken. Pure. */
import { WardenError } from 'warden-protocol';
import type { JobDescription } from '../host/monitor.js';

/** What syslog daemons take for part of a program's name (RFC 3164, 4.1.3), and no `/`, because some name files by it. */
const plainTag = /^[A-Za-z0-9._-]{1,64}$/;
const shownLength = 80;

/** @throws WardenError invalid_argument */
export function checkLogTag(tag = ''): void {
  if (tag === '' || plainTag.test(tag)) return;
  const shown = tag.length > shownLength ? `${tag.slice(0, shownLength)}…` : tag;
  throw new WardenError('invalid_argument', `log_tag: ${JSON.stringify(shown)} is not 1 to 64 letters, digits, '.', '_' or '-'`);
}

/** An empty tag is none. */
export function logOf(tag: string | undefined, timeZone: () => string): JobDescription['log'] {
  return tag === undefined || tag === '' ? undefined : { tag, timeZone: timeZone() };
}
