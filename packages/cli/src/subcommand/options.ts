// The options and operands of a subcommand, from its words.
import { parseArgs } from 'node:util';
import { WardenError } from 'warden-protocol';
import type { Option, OptionTable, Parsed, Subcommand } from './subcommand.js';

const OUTPUT: OptionTable = { output: { short: 'o', value: 'FORMAT', choices: ['table', 'json'], about: 'table, or json for programs' } };
const HELP: OptionTable = { help: { about: 'show this' } };

/** Its own options, and those that it has as others do. */
export function optionsOf({ options, json }: Pick<Subcommand, 'options' | 'json'>): OptionTable {
  return { ...options, ...(json === true ? OUTPUT : {}), ...HELP };
}

/** @throws WardenError invalid_argument, naming the option */
export function parseOptions(subcommand: Subcommand, words: readonly string[]): Parsed {
  const { name, ownWords } = subcommand;
  const known = new Map<string, Option>(Object.entries(optionsOf(subcommand)));
  const given = new Map<string, string[]>();
  const operands: string[] = [];
  for (const token of tokensOf(known, words)) {
    if (token.kind !== 'option') {
      if (ownWords === true) {
        operands.push(...words.slice(token.index));
        break;
      }
      if (token.kind === 'positional') operands.push(token.value);
      continue;
    }
    const option = known.get(token.name);
    if (option === undefined) throw invalid(`unknown option ${token.rawName} of ${name}; ${name} --help lists them`);
    const values = given.get(token.name) ?? [];
    if (!given.has(token.name)) given.set(token.name, values);
    values.push(valueOf(subcommand, option, token));
  }
  const help = given.has('help');
  if (!help && (operands.length < subcommand.fewest || operands.length > subcommand.most)) throw usageError(subcommand);
  return {
    operands,
    help,
    json: given.get('output')?.at(-1) === 'json',
    flag: (option) => given.has(option),
    value: (option) => given.get(option)?.at(-1),
    values: (option) => given.get(option) ?? [],
  };
}

export function usageError({ name, usage }: Pick<Subcommand, 'name' | 'usage'>): WardenError {
  return invalid(`usage: ${name} ${usage}; ${name} --help tells more`);
}

interface OptionToken {
  readonly kind: 'option';
  readonly index: number;
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

type Token = OptionToken | { readonly kind: 'positional'; readonly index: number; readonly value: string } | { readonly kind: 'option-terminator'; readonly index: number };

/** Not strict: what is wrong is said here, in the words of the command. */
function tokensOf(known: ReadonlyMap<string, Option>, words: readonly string[]): readonly Token[] {
  const options = Object.fromEntries([...known].map(([name, { short, value }]) => [name, { type: value === undefined ? 'boolean' as const : 'string' as const, ...(short === undefined ? {} : { short }) }]));
  return parseArgs({ args: [...words], options, strict: false, allowPositionals: true, tokens: true }).tokens as readonly Token[];
}

function valueOf({ name }: Subcommand, { value: placeholder, choices }: Option, { rawName, value, inlineValue }: OptionToken): string {
  if (placeholder === undefined) {
    if (value !== undefined) throw invalid(`${rawName} of ${name} takes no value`);
    return '';
  }
  // What looks like an option is one: a value that was forgotten would otherwise swallow it.
  if (value === undefined || (inlineValue !== true && value.startsWith('-') && value !== '-')) throw invalid(`${rawName} of ${name} needs a value: ${rawName} ${placeholder}`);
  if (choices !== undefined && !choices.includes(value)) throw invalid(`${rawName} of ${name} is one of ${choices.join(', ')}, not ${JSON.stringify(value)}`);
  return value;
}

function invalid(message: string): WardenError {
  return new WardenError('invalid_argument', message);
}
