/**
 * Markdown as our documents use it, as a man page: man(7) macros, which groff, mandoc and man-db show alike. Headings, paragraphs, code, lists, numbered lists
 * and tables; `code`, **bold**, *emphasis* and links in the text. Pure.
 */

/** Columns of a line of the source; longer ones are broken at spaces, for people who read it. */
const WIDTH = 78;

/** Characters beyond ASCII by their numbers, so that a page needs no encoding. @param {string} text */
function inAscii(text) {
  return text.replace(/[^\0-\x7f]/gu, (character) => `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`);
}

/** @param {string} text literal @returns {string} for roff, to stand anywhere but at the beginning of a line */
export function escapeText(text) {
  return text.replace(/\\/g, '\\e').replace(/-/g, '\\-').replace(/'/g, '\\(aq').replace(/`/g, '\\(ga').replace(/\^/g, '\\(ha').replace(/~/g, '\\(ti');
}

/** @param {string} text prose: hyphens stay hyphens, and what looks like an option or a flag is literal */
function escapeProse(text) {
  return text
    .replace(/\\/g, '\\e')
    .replace(/(?<![\p{L}\p{N}])-(?=[\p{L}\p{N}-])/gu, '\\-')
    .replace(/\^/g, '\\(ha')
    .replace(/~/g, '\\(ti');
}

/** Words as they are typed are not hyphenated. @param {string} text of roff */
function unbroken(text) {
  return text.replace(/(?<=^|\s)(?=\S*[\p{L}])/gu, '\\%');
}

/** A line that begins with one of these would be taken for a request. @param {string} line */
function protectStart(line) {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

/** @param {string} text one paragraph in Markdown @returns {string} lines of roff */
export function inline(text) {
  const pattern = /(`+)(.+?)\1|\*\*(.+?)\*\*|(?<![\w*])\*(?!\s)([^*]+?)\*(?!\w)|\[([^\]]+)\]\((?:[^()]|\([^()]*\))*\)|\\([\\`*_{}[\]()#+.!|<>-])/g;
  let result = '';
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    result += escapeProse(text.slice(from, match.index));
    const [whole, , code, bold, emphasis, link, literal] = match;
    if (code !== undefined) result += `\\fB${unbroken(escapeText(code))}\\fR`;
    else if (bold !== undefined) result += `\\fB${inline(bold)}\\fR`;
    else if (emphasis !== undefined) result += `\\fI${inline(emphasis)}\\fR`;
    else if (link !== undefined) result += inline(link);
    else result += escapeProse(literal ?? '');
    from = match.index + whole.length;
  }
  return result + escapeProse(text.slice(from));
}

/** @param {string} text of roff, without requests @returns {string} the same in lines */
function wrap(text) {
  const lines = [''];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines.length - 1;
    if (lines[last] === '') lines[last] = word;
    else if (`${lines[last]} ${word}`.length > WIDTH) lines.push(word);
    else lines[last] += ` ${word}`;
  }
  return lines.map(protectStart).join('\n');
}

/** @param {string} text Markdown */
function paragraph(text) {
  return wrap(inline(text));
}

/** @param {readonly string[]} lines literal */
function literal(lines) {
  return ['.PP', '.RS 4', '.EX', ...lines.map((line) => protectStart(escapeText(line)) || '\\&'), '.EE', '.RE'];
}

/** @param {string} line of a table @returns {string[]} its cells */
function cellsOf(line) {
  return line.replace(/^\|\s*|\s*\|\s*$/g, '').split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, '|'));
}

/**
 * A table's rows as a list of terms. With a column that is called `default` in between, its cell goes behind the term.
 * @param {readonly string[]} rows
 */
function table([head = '', , ...rows]) {
  const headings = cellsOf(head);
  return rows.flatMap((row) => {
    const [term = '', ...rest] = cellsOf(row);
    const before = headings[1] === 'default' ? rest.shift() : undefined;
    const label = before === undefined || before === '' ? inline(term) : `${inline(term)} (${before === 'none' ? 'no default' : `default ${inline(before)}`})`;
    return ['.TP', protectStart(label), wrap(inline(rest.filter(Boolean).join('. '))) || '\\&'];
  });
}

/** @param {string} text a heading, in the case of man pages */
function heading(text) {
  return inline(text.replace(/`/g, '')).replace(/"/g, '\\(dq');
}

/**
 * @param {string} markdown `## ` is a section, `### ` a part of one; a title (`# `) is left out
 * @returns {string[]} lines of roff
 */
export function roffOf(markdown) {
  const lines = markdown.replace(/<!--[^]*?-->/g, '').split('\n');
  /** @type {string[]} */
  const out = [];
  let at = 0;
  /** @param {(line: string) => boolean} belongs */
  const take = (belongs) => {
    const from = at;
    while (at < lines.length && belongs(lines[at] ?? '')) at++;
    return lines.slice(from, at);
  };
  const isList = (/** @type {string} */ line) => /^(?:- |\d+\. )/.test(line);
  const isText = (/** @type {string} */ line) => line.trim() !== '' && !isList(line) && !/^(?:#{1,4} |```|\|)/.test(line);
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const title = /^(#{1,4}) (.*)$/.exec(line);
    if (line.trim() === '') {
      at++;
    } else if (title !== null) {
      at++;
      if (title[1] === '##') out.push(`.SH "${heading(title[2] ?? '').toUpperCase().replace(/\\F([BIR])/g, '\\f$1')}"`);
      else if (title[1] !== '#') out.push(`.SS "${heading(title[2] ?? '')}"`);
    } else if (line.startsWith('```')) {
      at++;
      out.push(...literal(take((next) => !next.startsWith('```'))));
      at++;
    } else if (line.startsWith('|')) {
      out.push(...table(take((next) => next.startsWith('|'))));
    } else if (isList(line)) {
      at++;
      const item = [line, ...take(isText)].join(' ');
      const numbered = /^(\d+\.) /.exec(item);
      out.push(numbered === null ? '.IP \\(bu 2' : `.IP ${numbered[1]} 4`, paragraph(item.slice(numbered === null ? 2 : numbered[0].length)));
    } else {
      out.push('.PP', paragraph(take(isText).join(' ')));
    }
  }
  // a paragraph begins behind a heading by itself
  return out.filter((line, index) => !(line === '.PP' && /^\.S[HS] /.test(out[index - 1] ?? '')));
}

/**
 * @param {{ name: string, section: number, date: string, version: string, markdown: string }} page
 * @returns {string} a whole man page
 */
export function manualPage({ name, section, date, version, markdown }) {
  return [`.TH ${escapeText(name.toUpperCase())} ${section} ${date} "warden ${version}" "warden"`, '.ad l', ...roffOf(markdown).map(inAscii), ''].join('\n');
}
