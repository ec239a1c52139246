// `completion bash|zsh|fish`: the script that a shell needs; and what those scripts ask.
import { addressOf, WardenClient } from 'warden-client';
import { WardenError } from 'warden-protocol';
import { CommandReader } from '../command-reader.js';
import { write } from '../streams.js';
import type { Call, Subcommand } from '../subcommand/subcommand.js';
import { usageError } from '../subcommand/options.js';
import { candidatesFor, type Candidate, type Offer } from './candidates.js';
import { SHELL_SCRIPTS } from './scripts.js';
import { sourcesOf } from './sources.js';

const MOST_WORDS = 10_000;
const GLOBAL_OPTIONS: readonly Candidate[] = [
  { text: '--socket', about: 'the server\'s socket' }, { text: '--trace', about: 'print each command before it runs' }, { text: '--exit_on_error', about: 'stop at the first command that fails' }, { text: '--help', about: 'show help' },
];

export const completionCommand: Subcommand = {
  name: 'completion',
  summary: 'print a script that completes command lines in a shell',
  usage: 'bash|zsh|fish',
  options: {},
  fewest: 1,
  most: MOST_WORDS,
  ownWords: true,
  local: true,
  operandChoices: [...SHELL_SCRIPTS.keys()],
  notes: 'To have it in this shell: source <(warden completion bash), or warden completion fish | source. At each Tab the script asks\n`warden completion words WORD…` (or `line LINE`) for what could stand in place of the last word.',
  run: complete,
};

async function complete(call: Call): Promise<number> {
  const { stdout } = call.context.streams;
  const [what = '', ...words] = call.operands;
  const script = SHELL_SCRIPTS.get(what);
  if (script !== undefined && words.length === 0) {
    await write(stdout, script);
    return 0;
  }
  if (what === 'words') await write(stdout, answerText(await answer(words.slice(0, -1), words.at(-1) ?? '', call)));
  else if (what === 'line' && words.length === 1) await write(stdout, answerText(await ofLine(words[0] as string, call)));
  else throw usageError(completionCommand);
  return 0;
}

/** The first word is the program's own name. */
function ofLine(line: string, call: Call): Promise<Offer> {
  const reader = new CommandReader();
  [...reader.push(line)];
  const { words: [, ...words], word } = reader.partial;
  return answer(words, word, call);
}

async function answer(given: readonly string[], word: string, { context }: Call): Promise<Offer> {
  const words = [...given];
  let socket: string | undefined;
  for (;;) {
    const option = words[0];
    if (option === undefined || !option.startsWith('-')) break;
    words.shift();
    if (option === '--') break;
    if (option === '--socket' && words.length === 0) return { candidates: [], files: true, open: false };
    if (option === '--socket') socket = words.shift();
    else if (option.startsWith('--socket=')) socket = option.slice('--socket='.length);
  }
  if (words.length === 0 && word.startsWith('-') && !given.includes('--')) return { candidates: GLOBAL_OPTIONS.filter(({ text }) => text.startsWith(word)), files: false, open: false };
  await using own = socket === undefined ? undefined : new WardenClient(addressOf(socket, context.environment));
  try {
    return await candidatesFor(words, word, sourcesOf(own ?? context.client));
  } catch (reason) {
    // Tab is no place for errors: the command itself will tell.
    if (reason instanceof WardenError) return { candidates: [], files: false, open: false };
    throw reason;
  }
}

function answerText({ candidates, files, open }: Offer): string {
  const kinds = ['words', ...(files ? ['files'] : []), ...(open ? ['open'] : [])].join(' ');
  return `${[kinds, ...candidates.map(({ text, about }) => about === undefined ? text : `${text}\t${about}`)].join('\n')}\n`;
}
