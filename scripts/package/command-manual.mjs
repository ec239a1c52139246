/**
 * What warden(1) says about commands, made from the command line's own tables and help texts, so that it has every command and every flag that is there.
 */
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { root } from '../setup/prepare.mjs';

/**
 * The part of packages/cli that is used here.
 * @typedef {{ name: string, summary: string, usage: string, options: Readonly<Record<string, { short?: string, value?: string, about: string, choices?: readonly string[] }>>, json?: true, notes?: string }} Subcommand
 * @typedef {{ name: string, rule: string }} Flag
 * @typedef {object} CommandLine
 * @property {(argv: readonly string[], streams: object, environment: object) => Promise<number>} main
 * @property {ReadonlyMap<string, string>} builtins
 * @property {ReadonlyMap<string, { summary: string }>} localCommands
 * @property {ReadonlyMap<string, Subcommand>} subcommands
 * @property {readonly { name: string, summary: string, flags: readonly { name: string, type: string, initial: string | undefined, rule: string, comment: string | undefined }[] }[]} requests
 */

/** @returns {Promise<CommandLine>} what is built */
export async function readCommandLine() {
  const built = (/** @type {string} */ path) => import(pathToFileURL(join(root, 'packages', path)).href);
  const [{ main }, help, { localCommands }, { subcommands }, fields, protocol] = await Promise.all([
    built('cli/dist/main.js'), built('cli/dist/help.js'), built('cli/dist/local-commands.js'), built('cli/dist/subcommands.js'), built('cli/dist/fields.js'), built('protocol/dist/index.js'),
  ]);
  const requests = protocol.requestTypes.map((/** @type {number} */ type) => {
    const { name, request } = protocol.messageTypes[type];
    const summary = help.commandHelp(type).split('\n')[0].slice(name.length + 2);
    const flags = fields.flagsOf(request).map((/** @type {Flag} */ flag) => ({
      name: flag.name, type: fields.typeOf(flag), rule: flag.rule, initial: fields.defaultOf(flag), comment: fields.commentOf(flag),
    }));
    return { name, summary, flags };
  });
  return { main, builtins: help.BUILTINS, localCommands, subcommands, requests: requests.sort(byName) };
}

/** @param {{ name: string }} left @param {{ name: string }} right */
function byName(left, right) {
  return left.name < right.name ? -1 : 1;
}

/** @param {string} text of a program @returns {string} the same in Markdown, in a cell of a table too */
function plain(text) {
  return text.replace(/[\\`*[\]|]/g, '\\$&').replace(/\s*\n\s*/g, ' ');
}

/** @param {readonly (readonly [string, string])[]} rows */
function terms(rows) {
  return rows.length === 0 ? '' : `| | |\n|---|---|\n${rows.map(([term, text]) => `| ${term} | ${text} |`).join('\n')}\n`;
}

/** @param {string} text */
function sentence(text) {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return plain(/[.:!?]$/.test(capital) ? capital : `${capital}.`);
}

/** Of every command with `json`. */
const OUTPUT_OPTION = { short: 'o', value: 'FORMAT', about: 'table, or json' };

/** @param {Subcommand} command */
function subcommandManual({ name, summary, usage, options, json, notes }) {
  const all = json === true ? { ...options, output: OUTPUT_OPTION } : options;
  const rows = Object.entries(all).map(([long, { short, value, about, choices }]) => {
    const names = [...(short === undefined ? [] : [`\`-${short}\``]), `\`--${long}\``].join(', ');
    return /** @type {const} */ ([`${names}${value === undefined ? '' : ` *${plain(value)}*`}`, `${sentence(about)}${choices === undefined ? '' : ` One of ${plain(choices.join(', '))}.`}`]);
  });
  return [`### ${name}`, `**${name}** ${plain(usage)}`, sentence(summary), terms(rows), notes === undefined ? '' : literal(notes)].filter(Boolean).join('\n\n');
}

/** @param {string} text of a program */
function literal(text) {
  return `\`\`\`\n${text.trimEnd().split('\n').flatMap((line) => broken(line)).join('\n')}\n\`\`\``;
}

const LITERAL_WIDTH = 72;

/** A long line of a help text, for a page of eighty columns. @param {string} line @returns {string[]} */
function broken(line) {
  if (line.length <= LITERAL_WIDTH) return [line];
  const at = line.lastIndexOf(' ', LITERAL_WIDTH);
  const indent = /^\s*/.exec(line)?.[0] ?? '';
  if (at <= indent.length) return [line];
  return [line.slice(0, at), ...broken(`${indent || '    '}${line.slice(at + 1)}`)];
}

/** What `warden WORDS --help` prints. @param {CommandLine} commandLine @param {readonly string[]} words */
async function helpOf(commandLine, words) {
  let text = '';
  const stdout = new Writable({ write: (chunk, _encoding, done) => { text += chunk; done(); } });
  const status = await commandLine.main([...words, '--help'], { stdin: process.stdin, stdout, stderr: stdout }, {});
  if (status !== 0) throw new Error(`warden ${words.join(' ')} --help ended with status ${status}: ${text}`);
  return text;
}

/** @param {CommandLine} commandLine @returns {Promise<string>} Markdown */
export async function subcommandsManual({ subcommands }) {
  return [...subcommands.values()].sort(byName).map(subcommandManual).join('\n\n');
}

/** Commands that have a help text of their own. @param {CommandLine} commandLine @returns {Promise<string>} Markdown */
export async function olderCommandsManual(commandLine) {
  const { builtins, localCommands, subcommands } = commandLine;
  const sections = [];
  for (const name of [...new Set([...builtins.keys(), ...localCommands.keys()])].sort()) {
    if (subcommands.has(name) || ['help', 'exit', 'quit'].includes(name)) continue;
    // rootfs is both: `ls`, `add` and `rm` ask the server, `build` does not.
    const forms = builtins.has(name) && localCommands.has(name) ? [[name, 'ls'], [name, 'build']] : [[name]];
    const texts = [];
    for (const words of forms) texts.push(await helpOf(commandLine, words));
    sections.push(`### ${name}\n\n${texts.map(literal).join('\n\n')}`);
  }
  return sections.join('\n\n');
}

/** @param {CommandLine} commandLine @returns {Promise<string>} Markdown */
export async function requestsManual({ requests }) {
  return requests.map(({ name, summary, flags }) => {
    const rows = flags.map(({ name: flag, type, rule, initial, comment }) => {
      const remarks = [...(rule === 'optional' ? [] : [`${rule}.`]), ...(comment === undefined ? [] : [comment]), ...(initial === undefined ? [] : [`Default: ${initial}.`])].join(' ');
      return /** @type {const} */ ([`\`--${flag}\` ${type === 'bool' ? '' : `*${plain(type)}*`}`.trim(), remarks === '' ? '' : sentence(remarks)]);
    });
    return [`### ${name}`, sentence(summary), terms(rows)].filter(Boolean).join('\n\n');
  }).join('\n\n');
}
