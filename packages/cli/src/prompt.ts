// The prompt on a terminal: history, completion, commands over several lines, and Ctrl-C that ends a command but not the
// program. Readline keeps the terminal in raw mode all the time, so that Ctrl-C is seen while a command runs; lines that
// are typed meanwhile wait for their turn.
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import type { WardenClient } from 'warden-client';
import { runStep, type SessionOptions } from './batch.js';
import { CommandReader, CommandSyntaxError } from './command-reader.js';
import { sentence } from './sentence.js';
import { complete } from './completion/prompt.js';
import { sourcesOf } from './completion/sources.js';
import { History, MAX_HISTORY } from './history.js';
import type { Streams } from './streams.js';

const PROMPT = 'warden> ';
const CONTINUATION_PROMPT = '> ';

/** Commands whose status is a job's, which nothing else on the screen shows. */
const JOB_COMMANDS = new Set(['run', 'exec', 'attach', 'stream', 'link']);

export interface PromptOptions extends SessionOptions {
  readonly historyPath: string;
}

/** Runs commands until the end of the input, `exit`, or `quit`; answers with the status of the last command. */
export async function runPrompt(client: WardenClient, streams: Streams, options: PromptOptions): Promise<number> {
  const prompt = new Prompt(client, streams, options);
  try {
    return await prompt.run();
  } finally {
    prompt.close();
  }
}

class Prompt {
  readonly #client: WardenClient;
  readonly #streams: Streams;
  readonly #options: PromptOptions;
  readonly #readline: Interface;
  readonly #reader = new CommandReader();
  readonly #output: { streams: Streams; endLine(): void };
  readonly #lines: string[] = [];
  #ended = false;
  #wake: (() => void) | undefined;
  #running: AbortController | undefined;

  constructor(client: WardenClient, streams: Streams, options: PromptOptions) {
    this.#client = client;
    this.#streams = streams;
    this.#options = options;
    this.#output = lineEndings(streams);
    const history = new History(options.historyPath);
    this.#readline = createInterface({
      input: streams.stdin, output: streams.stdout, terminal: true, history: this.#attempt(() => history.load()) ?? [], historySize: MAX_HISTORY,
      removeHistoryDuplicates: true, completer: (line: string, done: (error: Error | null, result: [string[], string]) => void) => void this.#complete(line, done),
    });
    let saving = true;
    this.#readline.on('history', (lines: string[]) => {
      // One complaint is enough when it cannot be written.
      if (saving) saving = this.#attempt(() => { history.save(lines); return true; }) ?? false;
    });
    this.#readline.on('line', (line) => this.#take(line));
    this.#readline.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
    this.#readline.on('SIGINT', () => this.#interrupt());
  }

  async run(): Promise<number> {
    let status = 0;
    for (;;) {
      const line = await this.#nextLine();
      try {
        for (const command of line === undefined ? this.#reader.end() : this.#reader.push(line)) {
          this.#running = new AbortController();
          const context = { client: this.#client, streams: this.#output.streams, signal: this.#running.signal };
          const step = await runStep(command, context, this.#options, status);
          this.#running = undefined;
          if (step.leave) return step.status;
          status = step.status;
          if (status !== 0 && JOB_COMMANDS.has(command.words[0] ?? '')) this.#complain(`exit status ${status}`);
        }
      } catch (reason) {
        if (!(reason instanceof CommandSyntaxError)) throw reason;
        this.#complain(sentence(reason));
        status = 1;
      }
      if (line === undefined) return status;
    }
  }

  close(): void {
    this.#readline.close();
  }

  /** The next line with its end, or undefined when there is none. */
  async #nextLine(): Promise<string | undefined> {
    while (this.#lines.length === 0) {
      this.#output.endLine();
      if (this.#ended) {
        this.#streams.stdout.write('\n');
        return undefined;
      }
      this.#readline.setPrompt(this.#reader.continuing ? CONTINUATION_PROMPT : PROMPT);
      this.#readline.prompt(true);
      await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
    return this.#lines.shift();
  }

  #take(line: string): void {
    this.#lines.push(`${line}\n`);
    this.#wake?.();
  }

  #interrupt(): void {
    if (this.#running !== undefined) {
      this.#running.abort();
      return;
    }
    this.#reader.reset();
    this.#lines.length = 0;
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write(null, { ctrl: true, name: 'u' });
    this.#streams.stdout.write('^C\n');
    this.#wake?.();
  }

  async #complete(line: string, done: (error: Error | null, result: [string[], string]) => void): Promise<void> {
    try {
      // A running command has the connection; and inside quotes there is nothing to offer.
      const busy = this.#running !== undefined || this.#reader.continuing;
      done(null, busy ? [[], line] : await complete(line, sourcesOf(this.#client)));
    } catch {
      // Tab is no place for errors: the command itself will tell.
      done(null, [[], line]);
    }
  }

  #attempt<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (reason) {
      this.#complain(`no history: ${sentence(reason)}`);
      return undefined;
    }
  }

  #complain(message: string): void {
    this.#output.endLine();
    this.#output.streams.stderr.write(`${message}\n`);
  }
}

/** The same streams, and a way to end a line that output left unfinished: the prompt would be drawn over it. */
function lineEndings(streams: Streams): { streams: Streams; endLine(): void } {
  let unfinished = false;
  const watched = (target: Writable & { readonly isTTY?: boolean }): Writable => target.isTTY !== true ? target : new Writable({
    write(chunk: Buffer, _encoding, done) {
      unfinished = chunk.at(-1) !== 0x0a;
      target.write(chunk, done);
    },
  });
  return {
    streams: { stdin: streams.stdin, stdout: watched(streams.stdout), stderr: watched(streams.stderr) },
    endLine() {
      if (unfinished) streams.stdout.write('\n');
      unfinished = false;
    },
  };
}
