// What can stand in place of the last word of a command line: commands, options and fields, their values, and what the server knows.
import { messageTypes, type RequestType, requestTypeOf, requestTypes, ScalarType } from 'warden-protocol';
import { flagsOf } from '../fields.js';
import { FILE_SUMMARIES, namesFile } from '../files/file-command.js';
import { BUILTINS, requestSummary } from '../help.js';
import { IMAGE_SUMMARIES, imageVerbs } from '../image/image-command.js';
import { JOB_USAGES } from '../job-commands.js';
import { LIMIT_KINDS } from '../limit-command.js';
import { localCommands } from '../local-commands.js';
import { printable } from '../print.js';
import { optionsOf } from '../subcommand/options.js';
import type { Option, Subcommand } from '../subcommand/subcommand.js';
import { subcommands } from '../subcommands.js';

/** What only the server knows; asked when it is needed. */
export interface Sources {
  handles(): Promise<readonly string[]>;
  /** Names of images and root file systems. */
  images(): Promise<readonly string[]>;
}

export interface Candidate {
  readonly text: string;
  /** One line about it. */
  readonly about?: string | undefined;
}

export interface Offer {
  /** That begin as the word does. */
  readonly candidates: readonly Candidate[];
  /** The name of a file here may stand there, too. */
  readonly files: boolean;
  /** The word goes on behind any of them. */
  readonly open: boolean;
}

const VERBS: ReadonlyMap<string, readonly string[]> = new Map([['config', ['check', 'show']], ['rootfs', ['build', ...(imageVerbs('rootfs') ?? [])]], ['image', imageVerbs('image') ?? []]]);

/**
 * @param words the words before
 * @param word what there is of the last one
 */
export async function candidatesFor([name, ...words]: readonly string[], word: string, sources: Sources): Promise<Offer> {
  if (name === undefined) return offer(word, commandsFor(word));
  const type = requestTypeOf(name);
  const subcommand = subcommands.get(name);
  const isRequest = type !== undefined && (subcommand === undefined || words.some((given) => /^--handle(?:=|$)/.test(given)) || fieldBefore(type, words) !== undefined);
  if (subcommand !== undefined && !isRequest && !(FILE_SUMMARIES.has(name) && namesFile(words))) return ofSubcommand(subcommand, words, word, sources);
  if (name === 'limit') return words.length === 0 ? offer(word, texts(await sources.handles())) : words.length === 1 ? offer(word, texts(LIMIT_KINDS)) : nothing;
  if (FILE_SUMMARIES.has(name)) return ofFiles(word, sources);
  if (VERBS.has(name)) return ofVerbs(name, words, word, sources);
  if (name === 'help') return words.length === 0 ? offer(word, commandsFor('-').filter(({ text }) => !text.startsWith('-'))) : nothing;
  return type === undefined ? nothing : ofRequest(type, words, word, sources);
}

const nothing: Offer = { candidates: [], files: false, open: false };

function offer(word: string, candidates: readonly Candidate[], { files = false, open = false }: Partial<Offer> = {}): Offer {
  // Nothing that a terminal would obey, and nothing that is more than one word of one line.
  return { candidates: candidates.filter(({ text }) => text.startsWith(word) && printable(text) === text && !/[\t\n]/.test(text)), files, open };
}

function texts(all: readonly string[]): Candidate[] {
  return all.map((text) => ({ text }));
}

/** Requests are many, and seldom what is looked for: they come with a letter of theirs. */
function commandsFor(word: string): Candidate[] {
  const known = new Map<string, string>([...[...subcommands.values()].map(({ name, summary }): [string, string] => [name, summary])]);
  for (const [name, summary] of [...BUILTINS, ...IMAGE_SUMMARIES, ...[...localCommands].map(([name, { summary }]): [string, string] => [name, summary])]) if (!known.has(name)) known.set(name, summary);
  if (word !== '') for (const type of requestTypes) if (!known.has(messageTypes[type].name)) known.set(messageTypes[type].name, requestSummary(type));
  return [...known].map(([text, about]) => ({ text, about })).sort(byText);
}

function byText({ text: left }: Candidate, { text: right }: Candidate): number {
  return left < right ? -1 : 1;
}

async function ofSubcommand(subcommand: Subcommand, words: readonly string[], word: string, sources: Sources): Promise<Offer> {
  const options = Object.entries(optionsOf(subcommand));
  const optionOf = (given: string): Option | undefined => options.find(([long, { short }]) => given === `--${long}` || (short !== undefined && given === `-${short}`))?.[1];
  let operands = 0;
  let before: Option | undefined;
  let onlyOperands = false;
  for (const given of words) {
    if (before?.value !== undefined) before = undefined;
    else if (given === '--') onlyOperands = true;
    else if (!onlyOperands && given.startsWith('-') && given !== '-') before = optionOf(given);
    else operands++;
    if (subcommand.ownWords === true && operands > 0) onlyOperands = true;
  }
  if (before?.value !== undefined) return offer(word, texts(before.choices ?? []), { files: /FILE|DIR|SRC/.test(before.value) });
  if (word.startsWith('-') && !onlyOperands) return offer(word, [...options.filter(([long, { many }]) => many === true || !words.includes(`--${long}`)).map(([long, { about }]) => ({ text: `--${long}`, about })), ...fieldsOfSameName(subcommand, words)].sort(byText));
  if (operands >= subcommand.most || (subcommand.ownWords === true && operands > 0)) return { ...nothing, files: subcommand.ownWords === true };
  switch (subcommand.operandKind) {
    case 'handle': return offer(word, texts((await sources.handles()).filter((handle) => !words.includes(handle))));
    case 'image': return offer(word, texts(await sources.images()), { files: /^[./]/.test(word) });
    case 'path': return { ...nothing, files: true };
    default: return offer(word, texts(subcommand.operandChoices ?? []));
  }
}

/** The request of that name may be what is meant. */
function fieldsOfSameName({ name, options }: Subcommand, words: readonly string[]): Candidate[] {
  const type = requestTypeOf(name);
  return type === undefined ? [] : fieldsOf(type, words).filter(({ text }) => !Object.hasOwn(options, text.slice(2)) && text !== '--help');
}

async function ofFiles(word: string, { handles }: Sources): Promise<Offer> {
  if (/^[./-]|:/.test(word)) return { ...nothing, files: !word.includes(':') };
  return offer(word, texts((await handles()).map((handle) => `${handle}:`)), { files: true, open: true });
}

async function ofVerbs(name: string, words: readonly string[], word: string, { images }: Sources): Promise<Offer> {
  if (words.length === 0) return offer(word, texts(VERBS.get(name) ?? []));
  if (/^(?:rm|inspect)$/.test(words[0] as string)) return offer(word, texts(await images()));
  return { ...nothing, files: true };
}

async function ofRequest(type: RequestType, words: readonly string[], word: string, { handles }: Sources): Promise<Offer> {
  const flag = fieldBefore(type, words);
  if (flag !== undefined) {
    if (flag.field.enum !== undefined) return offer(word, texts(flag.field.enum.values.map(({ name }) => name)));
    return flag.name === 'handle' && messageTypes[type].name !== 'create' ? offer(word, texts(await handles())) : { ...nothing, files: /(?:^|_)path$/.test(flag.name) };
  }
  if (JOB_USAGES.has(type) && words.length === 0 && !word.startsWith('-')) return offer(word, texts(await handles()));
  return offer(word, fieldsOf(type, words));
}

/** The field whose value the last word is. */
function fieldBefore(type: RequestType, words: readonly string[]) {
  const last = words.at(-1)?.replace(/\[\d+\]/g, '[N]');
  const flag = flagsOf(messageTypes[type].request).find(({ name }) => `--${name}` === last);
  if (flag === undefined || flag.field.scalar === ScalarType.BOOL) return undefined;
  return Object.hasOwn(subcommands.get(messageTypes[type].name)?.options ?? {}, flag.name) ? undefined : flag;
}

function fieldsOf(type: RequestType, words: readonly string[]): Candidate[] {
  const given = new Set(words);
  return [...flagsOf(messageTypes[type].request).map(({ name }) => withIndex(`--${name}`, given)), '--help'].filter((name) => !given.has(name)).sort().map((text) => ({ text }));
}

/** The first index at which this field has not been given. */
function withIndex(name: string, given: ReadonlySet<string>): string {
  if (!name.includes('[N]')) return name;
  let index = 0;
  while (given.has(name.replace('[N]', `[${index}]`))) index++;
  return name.replace('[N]', `[${index}]`);
}
