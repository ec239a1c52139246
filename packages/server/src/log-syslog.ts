/** A line of the log as a datagram for syslog, in the form of RFC 3164 that programs of the same machine use: without a host name. Pure. */

const daemonFacility = 3;
/** pino's levels, from the most urgent on, in syslog's numbers: crit, err, warning, info, debug. */
const severities: readonly (readonly [atLeast: number, severity: number])[] = [[60, 2], [50, 3], [40, 4], [30, 6], [0, 7]];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** What syslogs take in one piece; the rest of a line is left out. */
const longestInBytes = 8192;
const cutMark = '…';

/**
 * @param level pino's, 10 to 60
 * @param line JSON; its newline goes
 */
export function syslogLine(name: string, level: number, line: string, now: Date): string {
  const severity = severities.find(([atLeast]) => level >= atLeast)?.[1] ?? 7;
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${months[now.getMonth()] ?? ''} ${String(now.getDate()).padStart(2, ' ')} ${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
  return `<${daemonFacility * 8 + severity}>${time} ${name}[${process.pid}]: ${cut(line.trimEnd())}`;
}

function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= longestInBytes) return text;
  // A character that is cut in two would be shown as a replacement.
  let end = longestInBytes - Buffer.byteLength(cutMark);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end) + cutMark;
}
