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

/** A document without its title, its sections parts of the one that it stands in. @param {string} markdown */
function asPart(markdown) {
  return markdown.replace(/^# .*\n/, '').replace(/^## /gm, '### ');
}

/**
 * @param {string} what behind `include`
 * @param {import('./command-manual.mjs').CommandLine} commandLine
 * @returns {Promise<string>} Markdown
 */
async function included(what, commandLine) {
  switch (what) {
    case 'subcommands': return subcommandsManual(commandLine);
    case 'older commands': return olderCommandsManual(commandLine);
    case 'requests': return requestsManual(commandLine);
    default: return asPart(read(what));
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
