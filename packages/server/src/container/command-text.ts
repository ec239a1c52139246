/** What a job was started with, as one short line for people. Pure. */

/** What the monitor keeps of it, in bytes. */
const limitInBytes = 256;
/** Characters that are looked at: a script may have megabytes. */
const lookedAt = 1024;
const isOnePlainLine = /^[!-~](?:[ -~]*[!-~])?$/;
const ellipsis = '…';

/** The words of an argument vector, quoted as a shell would want them. */
export function commandOfArguments(args: readonly string[]): string {
  const words: string[] = [];
  let length = 0;
  for (const argument of args) {
    if (length > lookedAt) break;
    const piece = argument.slice(0, lookedAt);
    words.push(/^[\w@%+=:,./-]+$/.test(piece) ? piece : `'${piece.replaceAll('\'', '\'\\\'\'')}'`);
    length += piece.length;
  }
  return shorten(words.join(' '), false);
}

/** The first line of a script that says something. */
export function commandOfScript(script: string): string {
  // Most scripts are such: nothing to shorten, and nothing that moves a cursor.
  if (script.length <= limitInBytes && isOnePlainLine.test(script)) return script;
  const lines = script.slice(0, lookedAt).split('\n');
  const at = lines.findIndex((line) => line.trim() !== '');
  if (at < 0) return '';
  const isMore = script.length > lookedAt || lines.slice(at + 1).some((line) => line.trim() !== '');
  return shorten(lines[at]?.trim() ?? '', isMore);
}

/** Without what moves a terminal's cursor, cut between two characters. */
function shorten(text: string, isMore: boolean): string {
  const line = text.replace(/[\p{Cc}\p{Cs}\u2028\u2029]+/gu, ' ');
  const mark = isMore ? ` ${ellipsis}` : '';
  if (Buffer.byteLength(line) + Buffer.byteLength(mark) <= limitInBytes) return line + mark;
  let size = Buffer.byteLength(ellipsis);
  let kept = '';
  for (const character of line) {
    size += Buffer.byteLength(character);
    if (size > limitInBytes) break;
    kept += character;
  }
  return kept + ellipsis;
}
