/** The server's log: one JSON object a line, on standard error or in a file. */
import { pino, type Logger } from 'pino';

/** What is kept of lines that cannot be written, on a full disk for one; more is dropped. */
const keptInBytes = 1024 * 1024;

export interface LogFile {
  readonly log: Logger;
  /** Goes on in a new file of the same name, after the old one was moved away; nothing on standard error. */
  reopen(): void;
}

/** @throws when the file cannot be opened */
export function openLog({ level, file }: { readonly level: string; readonly file: string | null }): LogFile {
  // Synchronous: what was logged before a crash is there. One line costs some microseconds.
  const destination = pino.destination({ dest: file ?? 2, sync: true, append: true, mkdir: false, maxLength: keptInBytes });
  // Without a listener a log that cannot be written would throw into whatever is being logged. It is written when there is room again.
  destination.on('error', () => undefined);
  return {
    log: pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, destination),
    reopen: () => {
      if (file !== null) destination.reopen();
    },
  };
}
