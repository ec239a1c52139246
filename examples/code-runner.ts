/*
 * A code runner for an agent: programs that a language model wrote, each session of them in a box of its own that
 * reaches nothing. A request is one line of JSON on standard input, its answer one line on standard output:
 *
 *   {"code": "print(6 * 7)", "language": "python", "session": "a", "timeoutSeconds": 5}
 *   {"stdout":"42\n","stderr":"","exitStatus":0}
 *
 * Files of a session stay there for its next program. A box is destroyed when this program ends, in whatever way: by
 * disposal, or by its grace time when nobody is connected to it any more.
 */
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { Warden, WardenError, type Box, type Command } from 'warden-client';

/** Programs read from standard input, so that no code is ever part of a command. */
const INTERPRETERS: ReadonlyMap<string, Command> = new Map([['python', ['python3', '-']], ['bash', ['bash', '-s']], ['perl', ['perl', '-']]]);

const TIMEOUT_SECONDS = 10;
const LONGEST_TIMEOUT_SECONDS = 60;
/** What a model reads of an output, in characters. */
const SHOWN = 10_000;

interface Request {
  readonly code: string;
  readonly language: string;
  readonly session: string;
  readonly timeoutSeconds: number;
}

/** Whatever happened is told in words, because a model reads it. */
interface Answer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exitStatus?: number;
  readonly note?: string;
}

class CodeRunner implements AsyncDisposable {
  readonly #warden: Warden;
  readonly #boxes = new Map<string, Box>();

  constructor(warden: Warden) {
    this.#warden = warden;
  }

  async run({ code, language, session, timeoutSeconds }: Request): Promise<Answer> {
    const interpreter = INTERPRETERS.get(language);
    if (interpreter === undefined) return { note: `there is no language ${language}, only ${[...INTERPRETERS.keys()].join(', ')}` };
    const box = await this.#boxOf(session);
    const { stdout, stderr, exitStatus, signal, timedOut } = await box.run(interpreter, { stdin: code, timeoutMs: Math.min(timeoutSeconds, LONGEST_TIMEOUT_SECONDS) * 1000 });
    const notes = timedOut === true ? ['it was ended because its time was over'] : [];
    const { events } = await box.info();
    // An event stays with the box: it tells of this program only when that was killed, and not by its time.
    if (signal === constants.signals.SIGKILL && timedOut !== true && events.includes('command exceeded maximum output')) notes.push('it was ended because it wrote too much');
    if (events.includes('out of memory')) {
      // A box that was out of memory is stopped, and runs nothing any more.
      notes.push('it was out of memory; the files of this session are gone');
      this.#boxes.delete(session);
      await box.destroy();
    }
    return { stdout: shortened(stdout), stderr: shortened(stderr), exitStatus, ...(notes.length === 0 ? {} : { note: notes.join('; ') }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#boxes.values()].map((box) => box[Symbol.asyncDispose]()));
  }

  async #boxOf(session: string): Promise<Box> {
    const known = this.#boxes.get(session);
    if (known !== undefined) return known;
    const box = await this.#warden.create({
      limits: { memoryBytes: 256 * 1024 * 1024, processors: 1, diskBytes: 512 * 1024 * 1024 },
      graceTimeSeconds: 60,
    });
    this.#boxes.set(session, box);
    return box;
  }
}

function shortened(text: string): string {
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN / 2)}\n… ${text.length - SHOWN} characters …\n${text.slice(-SHOWN / 2)}`;
}

/** Throws a SyntaxError or a TypeError. */
function readRequest(line: string): Request {
  const { code, language = 'python', session = '', timeoutSeconds = TIMEOUT_SECONDS } = JSON.parse(line) as Partial<Request>;
  if (typeof code !== 'string') throw new TypeError('code is missing');
  if (!Number.isInteger(timeoutSeconds) || timeoutSeconds < 1) throw new TypeError('timeoutSeconds is a whole number from 1');
  return { code, language, session, timeoutSeconds };
}

await using warden = new Warden();
await using runner = new CodeRunner(warden);
for await (const line of createInterface({ input: process.stdin })) {
  let answer: Answer;
  try {
    answer = await runner.run(readRequest(line));
  } catch (error) {
    // The server is gone, or refuses: that is no answer to a program.
    if (error instanceof WardenError) throw error;
    answer = { note: `this is no request: ${String(error)}` };
  }
  console.log(JSON.stringify(answer));
}
