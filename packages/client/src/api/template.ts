// box.$`…`: a script of bash with values in it. The values are no part of the script: they are its positional parameters,
// and what stands in their places is "${1}", so nothing that is in a value is ever read as a command.
import { WardenError } from 'warden-protocol';

export type TemplateValue = string | number | bigint | boolean | readonly (string | number | bigint | boolean)[];

/** The words of bash around a place. */
type Around = 'words' | 'double' | 'single' | 'comment' | 'backticks';

/** The argument vector of a template. Throws invalid_argument for a place where no value can be, and for a value that is no text. */
export function templateArguments(parts: readonly (string | undefined)[], values: readonly TemplateValue[]): string[] {
  const parameters: string[] = [];
  const reader = new PlaceReader();
  let script = '';
  for (const [index, part] of parts.entries()) {
    if (part === undefined) throw invalid('the script of $ has an escape that JavaScript does not know: write \\ for one backslash');
    script += part;
    reader.read(part);
    if (index >= values.length) continue;
    const inside = reader.place();
    const texts = textsOf(values[index]);
    const joined = inside === 'double' ? [texts.join(' ')] : texts;
    // In double quotes of the template's own the parameter alone is one word already.
    script += joined.map((text) => {
      parameters.push(text);
      return inside === 'double' ? `\${${parameters.length}}` : `"\${${parameters.length}}"`;
    }).join(' ');
  }
  return ['/bin/bash', '-c', script, 'bash', ...parameters];
}

function textsOf(value: TemplateValue | undefined): string[] {
  return (Array.isArray(value) ? value as readonly unknown[] : [value]).map((element) => {
    if (typeof element !== 'string' && typeof element !== 'number' && typeof element !== 'bigint' && typeof element !== 'boolean') {
      throw invalid(`a value of $ is text, a number, or a list of these, not ${element === null ? 'null' : typeof element}`);
    }
    return String(element);
  });
}

/** Follows bash's quotes through the parts of a template. Braces of ${…} count as words. */
class PlaceReader {
  /** The innermost last. */
  readonly #around: Around[] = ['words'];
  /** Open parentheses of each $( … ), of which only the last ends it. */
  readonly #parentheses: number[] = [];
  #escaped = false;
  #before = ' ';

  read(text: string): void {
    for (let at = 0; at < text.length; at++) {
      const character = text[at] as string;
      this.#take(character, text.slice(at + 1, at + 4));
      this.#before = character;
    }
    // A value stands between this part and the next.
    if (text !== '') this.#before = text.at(-1) as string;
  }

  /** Where the next value would stand. */
  place(): 'words' | 'double' {
    const around = this.#inner;
    if (this.#escaped) throw invalid('a value of $ stands behind a backslash');
    if (around !== 'words' && around !== 'double') throw invalid(`a value of $ stands in ${around === 'single' ? 'single quotes' : around === 'comment' ? 'a comment' : 'backticks'}: it needs no quotes, only space around it`);
    this.#before = 'x';
    return around;
  }

  get #inner(): Around {
    return this.#around.at(-1) ?? 'words';
  }

  #take(character: string, next: string): void {
    const around = this.#inner;
    if (this.#escaped) {
      this.#escaped = false;
    } else if (around === 'single') {
      if (character === "'") this.#around.pop();
    } else if (around === 'comment') {
      if (character === '\n') this.#around.pop();
    } else if (around === 'backticks') {
      if (character === '`') this.#around.pop();
      else if (character === '\\') this.#escaped = true;
    } else {
      this.#takeOpen(character, next, around);
    }
  }

  #takeOpen(character: string, next: string, around: 'words' | 'double'): void {
    if (character === '\\') {
      this.#escaped = true;
    } else if (character === '`') {
      this.#around.push('backticks');
    } else if (character === '"') {
      if (around === 'double') this.#around.pop();
      else this.#around.push('double');
    } else if (character === '(' && this.#before === '$') {
      this.#around.push('words');
      this.#parentheses.push(0);
    } else if (around === 'words') {
      this.#takeWord(character, next);
    }
  }

  #takeWord(character: string, next: string): void {
    const depth = this.#parentheses.length - 1;
    if (character === "'") {
      this.#around.push('single');
    } else if (character === '#' && /[\s;&|(]/.test(this.#before)) {
      this.#around.push('comment');
    } else if (character === '<' && this.#before !== '<' && /^<-?[\s]*[A-Za-z_'"\\]/.test(next)) {
      throw invalid('$ takes no here-document: give its text to a command by printf, or by the option stdin');
    } else if (character === '(' && depth >= 0) {
      this.#parentheses[depth] = (this.#parentheses[depth] ?? 0) + 1;
    } else if (character === ')' && depth >= 0) {
      const open = this.#parentheses[depth] ?? 0;
      if (open > 0) {
        this.#parentheses[depth] = open - 1;
      } else {
        this.#parentheses.pop();
        this.#around.pop();
      }
    }
  }
}

function invalid(message: string): WardenError {
  return new WardenError('invalid_argument', message);
}
