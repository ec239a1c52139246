/**
 * The man pages: sources in packaging/man, in which a comment `include` stands for what is made from the command line's tables, or for a document. test/lint looks
 * whether every command, flag and key is in them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup/prepare.mjs';
import { olderCommandsManual, readCommandLine, requestsManual, subcommandsManual } from './command-manual.mjs';
import { manualPage } from './roff.mjs';

export const PAGES = /** @type {const} */ ([{ name: 'warden', section: 1 }, { name: 'wardend', section: 8 }, { name: 'warden.yml', section: 5 }]);

/** @param {string} path in the checkout */
const read = (path) => readFileSync(join(root, path), 'utf8');

/** A document without its title. @param {string} markdown */
function withoutTitle(markdown) {
  return markdown.replace(/^# .*\n/, '');
}

/** What stands below a heading of a document. @param {string} path @param {string} heading */
function sectionOf(path, heading) {
  const text = read(path);
  const start = text.indexOf(`\n## ${heading}\n`);
  if (start === -1) throw new Error(`${path} has no section ${JSON.stringify(heading)}, which a man page includes`);
  const body = text.slice(text.indexOf('\n', start + 1) + 1);
  const end = body.search(/^## /m);
  return end === -1 ? body : body.slice(0, end);
}

/**
 * @param {string} what behind `include`
 * @param {import('./command-manual.mjs').CommandLine} commandLine
 * @returns {Promise<string>} Markdown
 */
async function included(what, commandLine) {
  const section = /^section (.+) of (\S+)$/.exec(what);
  if (section !== null) return sectionOf(section[2] ?? '', section[1] ?? '');
  switch (what) {
    case 'subcommands': return subcommandsManual(commandLine);
    case 'older commands': return olderCommandsManual(commandLine);
    case 'requests': return requestsManual(commandLine);
    default: return withoutTitle(read(what));
  }
}

/**
 * @param {{ version: string, date: string }} options date: YYYY-MM-DD
 * @returns {Promise<{ file: string, section: number, text: string }[]>} the pages, file names as they are installed
 */
export async function manualPages({ version, date }) {
  const commandLine = await readCommandLine();
  const pages = [];
  for (const { name, section } of PAGES) {
    let markdown = read(`packaging/man/${name}.${section}.md`);
    for (const [comment, what = ''] of markdown.matchAll(/<!-- include (.+?) -->/g)) {
      const text = await included(what, commandLine);
      markdown = markdown.replace(comment, () => text);
    }
    pages.push({ file: `${name}.${section}`, section, text: manualPage({ name, section, date, version, markdown }) });
  }
  return pages;
}
