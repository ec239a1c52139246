// Cuts text into commands, and commands into words, as a shell does, but expands nothing: '…' is literal; in "…" a
// backslash works before " \ $ ` and the end of the line; elsewhere before everything. A quoted word may go over several
// lines, so a whole script can be one. Text may come in pieces of any size; each character is looked at once.

/** The longest command, in characters: what a frame of the protocol holds by default. */
export const MAX_COMMAND_LENGTH = 16 * 1024 * 1024;

export interface Command {
  readonly words: readonly string[];
  /** The command as it was written, without the end of its line. */
  readonly text: string;
}

/** What is wrong with a command, in a sentence. */
export class CommandSyntaxError extends Error {
  override readonly name = 'CommandSyntaxError';
}

type Quote = '' | '\'' | '"';

const QUOTED_ESCAPES = '"\\$`\n';

export class CommandReader {
  readonly #maxLength: number;
  #text = '';
  #words: string[] = [];
  #word: string | undefined;
  #wordStart = 0;
  #quote: Quote = '';
  #escaped = false;
  #comment = false;

  constructor(maxLength = MAX_COMMAND_LENGTH) {
    this.#maxLength = maxLength;
  }

  /** True inside a command: the next line belongs to it. */
  get continuing(): boolean {
    return this.#quote !== '' || this.#escaped;
  }

  /** The commands that the text completes; empty lines and lines that begin with # are none. */
  *push(text: string): Generator<Command, void, void> {
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const character = text[at] as string;
      if (this.#take(character, this.#text.length + at - start)) {
        this.#text += text.slice(start, at);
        start = at + 1;
        yield* this.#finish();
      }
    }
    this.#text += text.slice(start);
    if (this.#text.length > this.#maxLength) {
      this.reset();
      throw new CommandSyntaxError(`a command has at most ${this.#maxLength} characters`);
    }
  }

  /** To be called when there is no more text: the last command may lack the end of its line. */
  *end(): Generator<Command, void, void> {
    const { continuing } = this;
    const quote = this.#quote === '' ? 'a backslash' : this.#quote;
    if (continuing) {
      this.reset();
      throw new CommandSyntaxError(`the input ends inside a command: ${quote} without what belongs behind it`);
    }
    this.#endWord();
    yield* this.#finish();
  }

  /** Forgets what there is of a command. */
  reset(): void {
    this.#text = '';
    this.#words = [];
    this.#word = undefined;
    this.#quote = '';
    this.#escaped = false;
    this.#comment = false;
  }

  /** The words so far and the one that has been begun, with where it was written begins, for completion. */
  get partial(): { words: readonly string[]; word: string; written: string } {
    return { words: this.#words, word: this.#word ?? '', written: this.#word === undefined ? '' : this.#text.slice(this.#wordStart) };
  }

  *#finish(): Generator<Command, void, void> {
    const command = { words: this.#words, text: this.#text };
    this.reset();
    if (command.words.length > 0) yield command;
  }

  /** Takes one character, which stands at that offset of the command; true when it ends the command. */
  #take(character: string, offset: number): boolean {
    if (this.#comment) return character === '\n';
    if (this.#word === undefined && !this.#escaped) this.#wordStart = offset;
    if (this.#escaped) {
      this.#escaped = false;
      if (this.#quote === '"' && !QUOTED_ESCAPES.includes(character)) this.#append('\\');
      if (character !== '\n') this.#append(character);
      return false;
    }
    if (character === '\\' && this.#quote !== '\'') {
      this.#escaped = true;
      return false;
    }
    if (this.#quote !== '') {
      if (character === this.#quote) this.#quote = '';
      else this.#append(character);
      return false;
    }
    switch (character) {
      case '\'':
      case '"':
        this.#quote = character;
        this.#append('');
        return false;
      case '\n':
        this.#endWord();
        return true;
      case ' ':
      case '\t':
      case '\r':
        this.#endWord();
        return false;
      case '#':
        if (this.#word === undefined && this.#words.length === 0) {
          this.#comment = true;
          return false;
        }
    }
    this.#append(character);
    return false;
  }

  #append(character: string): void {
    this.#word = (this.#word ?? '') + character;
  }

  #endWord(): void {
    if (this.#word !== undefined) this.#words.push(this.#word);
    this.#word = undefined;
  }
}

/** A word as it has to be written to be read as it is. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./[\]-]+$/.test(word) ? word : `'${word.replaceAll('\'', '\'\\\'\'')}'`;
}
