// What Tab offers at the prompt.
import { CommandReader, quoteWord } from '../command-reader.js';
import { candidatesFor, type Sources } from './candidates.js';

/** What can stand in place of the last word of a line, and that word as it was written. */
export async function complete(line: string, sources: Sources): Promise<[string[], string]> {
  const reader = new CommandReader();
  [...reader.push(line)];
  const { words, word, written } = reader.partial;
  const { candidates, open } = await candidatesFor(words, word, sources);
  return candidates.length === 0 ? [[], line] : [candidates.map(({ text }) => `${quoteWord(text)}${open ? '' : ' '}`), written];
}
