// What Tab offers: commands, the flags of the command, names of enums, and handles of live containers.
import { messageTypes, requestTypeOf, requestTypes, ScalarType } from 'warden-protocol';
import { CommandReader, quoteWord } from './command-reader.js';
import { flagsOf } from './fields.js';
import { BUILTINS } from './help.js';
import { imageVerbs } from './image/image-command.js';
import { JOB_USAGES } from './job-commands.js';
import { LIMIT_KINDS } from './limit-command.js';

/** What can stand in place of the last word of a line, and that word as it was written. */
export async function complete(line: string, liveHandles: () => Promise<readonly string[]>): Promise<[string[], string]> {
  const reader = new CommandReader();
  [...reader.push(line)];
  const { words, word, written } = reader.partial;
  const offered = (candidates: readonly string[]): [string[], string] =>
    [candidates.filter((candidate) => candidate.startsWith(word)).map((candidate) => `${quoteWord(candidate)} `), written];
  if (words.length === 0) return offered([...requestTypes.map((type) => messageTypes[type].name), ...BUILTINS.keys()].sort());
  if (words[0] === 'limit') return words.length === 1 ? offered(await liveHandles()) : words.length === 2 ? offered(LIMIT_KINDS) : [[], line];
  const verbs = imageVerbs(words[0] as string);
  if (verbs !== undefined) return words.length === 1 ? offered(verbs) : [[], line];
  const type = requestTypeOf(words[0] as string);
  if (type === undefined) return words[0] === 'help' ? offered(requestTypes.map((each) => messageTypes[each].name).sort()) : [[], line];
  const flags = flagsOf(messageTypes[type].request);
  const flag = flags.find(({ name }) => `--${name}` === anyIndex(words.at(-1) as string));
  if (flag !== undefined && flag.field.scalar !== ScalarType.BOOL) {
    if (flag.field.enum !== undefined) return offered(flag.field.enum.values.map(({ name }) => name));
    return flag.name === 'handle' && words[0] !== 'create' ? offered(await liveHandles()) : [[], line];
  }
  if (JOB_USAGES.has(type) && words.length === 1 && !word.startsWith('-')) return offered(await liveHandles());
  const given = new Set(words);
  return offered([...flags.map(({ name }) => withIndex(`--${name}`, given)), '--help'].filter((name) => !given.has(name)).sort());
}

/** `--bind_mounts[3].mode` as the flag it stands for. */
function anyIndex(word: string): string {
  return word.replace(/\[\d+\]/, '[N]');
}

/** The first index at which this flag has not been given. */
function withIndex(name: string, given: ReadonlySet<string>): string {
  if (!name.includes('[N]')) return name;
  let index = 0;
  while (given.has(name.replace('[N]', `[${index}]`))) index++;
  return name.replace('[N]', `[${index}]`);
}
