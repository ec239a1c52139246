/* A program that runs beside a test: what it has shown so far, what it is given, and its end. `onTerminal` gives it a terminal of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { repository } from './paths.js';
import { withDeadline } from './wait.js';

export interface Outcome { readonly status: number | NodeJS.Signals; readonly stdout: string; readonly stderr: string }

export class Command {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Outcome>;
  /** Bytes, one character for each. */
  #stdout = '';
  #stderr = '';

  constructor(program: string, argv: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.child = spawn(program, argv, { env: { ...process.env, ...environment } });
    this.child.stdin.on('error', () => undefined);
    this.child.stdout.setEncoding('latin1').on('data', (text: string) => { this.#stdout += text; });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => { this.#stderr += text; });
    this.ended = once(this.child, 'close').then(([status, signal]) => ({ status: (status ?? signal) as number | NodeJS.Signals, stdout: this.#stdout, stderr: this.#stderr }));
  }

  /** `bin/warden` for a server. */
  static warden(socketPath: string, argv: readonly string[], environment?: Readonly<Record<string, string>>): Command {
    return new Command(process.execPath, [join(repository, 'bin/warden'), ...argv], { WARDEN_SOCKET: socketPath, ...environment });
  }

  /** The same on a terminal of 24 lines and 80 columns. Its settings at the end, `sane` or `raw`, are the last word on standard error. */
  static wardenOnTerminal(socketPath: string, argv: readonly string[]): Command {
    return new Command('python3', [join(repository, 'test/harness/terminal.py'), process.execPath, join(repository, 'bin/warden'), ...argv], { WARDEN_SOCKET: socketPath, TERM: 'xterm' });
  }

  /** With that as its standard input, to its end. */
  given(input: string | Uint8Array = ''): Promise<Outcome> {
    this.child.stdin.end(input);
    return withDeadline(this.ended, 60_000, 'the end of the command');
  }

  /** Keys of a program on a terminal. */
  type(text: string): void {
    this.child.stdin.write(`type ${Buffer.from(text).toString('hex')}\n`);
  }

  /** The size of its terminal. */
  resize(rows: number, columns: number): void {
    this.child.stdin.write(`size ${rows} ${columns}\n`);
  }

  /** Settles when standard output has the text, behind what it had at the last such call. */
  async shows(text: string): Promise<void> {
    const look = (async () => {
      while (!this.#stdout.includes(text, this.#seen)) {
        await Promise.race([once(this.child.stdout, 'data'), this.ended.then((outcome) => { throw new Error(`it ended before it showed ${JSON.stringify(text)}: ${JSON.stringify(outcome)}`); })]);
      }
    })();
    await withDeadline(look, 30_000, `${JSON.stringify(text)} in the output`).catch((error: Error) => {
      throw new Error(`${error.message}; there is ${JSON.stringify([this.#stdout.slice(-2000), this.#stderr.slice(-2000)])}`, { cause: error });
    });
    this.#seen = this.#stdout.indexOf(text, this.#seen) + text.length;
  }

  #seen = 0;
}
