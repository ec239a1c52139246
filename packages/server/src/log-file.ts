/** The server's log: one JSON object a line, on standard error or in a file, and, where it is asked for, as datagrams to syslog. */
import { pino, symbols, type Logger } from 'pino';
import { syslogLine } from './log-syslog.js';

/** What is kept of lines that cannot be written, on a full disk for one; more is dropped. */
const keptInBytes = 1024 * 1024;
/** Lines from before syslog can be reached. */
const keptForSyslog = 256;

export interface LogFile {
  readonly log: Logger;
  /** Goes on in a new file of the same name, after the old one was moved away; nothing on standard error. */
  reopen(): void;
  /** Where lines for syslog go from now on, those that waited first. Without logging.syslog nothing ever goes there. */
  attachSyslog(send: (datagram: string) => void): void;
}

export interface LogOptions {
  readonly level: string;
  readonly file: string | null;
  /** The name that lines have in syslog; null: none go there. */
  readonly syslog: string | null;
}

/** @throws when the file cannot be opened */
export function openLog({ level, file, syslog }: LogOptions): LogFile {
  // Synchronous: what was logged before a crash is there. One line costs some microseconds.
  const destination = pino.destination({ dest: file ?? 2, sync: true, append: true, mkdir: false, maxLength: keptInBytes });
  // Without a listener a log that cannot be written would throw into whatever is being logged. It is written when there is room again.
  destination.on('error', () => undefined);
  const waiting: string[] = [];
  let send = (datagram: string): void => {
    if (waiting.length < keptForSyslog) waiting.push(datagram);
  };
  const options = { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime };
  const both = {
    // pino tells the level of the last line to who asks for it so.
    [symbols.needsMetadataGsym]: true,
    lastLevel: 0,
    write(line: string): void {
      destination.write(line);
      send(syslogLine(syslog ?? '', this.lastLevel, line, new Date()));
    },
  };
  return {
    log: syslog === null ? pino(options, destination) : pino(options, both),
    reopen: () => {
      if (file !== null) destination.reopen();
    },
    attachSyslog: (to) => {
      for (const datagram of waiting.splice(0)) to(datagram);
      send = to;
    },
  };
}
