// `-o json` of commands that are no subcommands, at the end of the command or right behind its name: there no field's value can stand.

/** Another format is left to whoever reads the rest. */
export function takeOutput(words: readonly string[]): { readonly words: readonly string[]; readonly json: boolean } {
  for (const [at, rest] of [[words.length - 2, words.slice(0, -2)], [0, words.slice(2)]] as const) {
    if ((words[at] === '-o' || words[at] === '--output') && isFormat(words[at + 1])) return { words: rest, json: words[at + 1] === 'json' };
  }
  // Behind the name of a field it is that field's value: `--args kubectl --args --output=json`.
  const isValue = /^--[^=]+$/.test(words.at(-2) ?? '');
  const [, joined] = isValue ? [] : /^--output=(.*)$/s.exec(words.at(-1) ?? '') ?? [];
  return isFormat(joined) ? { words: words.slice(0, -1), json: joined === 'json' } : { words, json: false };
}

function isFormat(text: string | undefined): boolean {
  return text === 'json' || text === 'table';
}
