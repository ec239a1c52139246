/*
 * The console blocks of a document as tests: every command behind "$ " is run by bash, those of a block in one shell, and
 * what it prints is compared with the lines below it. The commands behind "warden> " are given to one `warden --trace`.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './paths.js';
import { runProgram } from './run-program.js';

export interface ConsoleCommand {
  readonly line: string;
  /** What the document shows below it; empty when it shows nothing. */
  readonly shown: string;
}

export interface ConsoleBlock {
  /** The heading it stands under. */
  readonly title: string;
  /** The document's line that it begins with. */
  readonly at: number;
  readonly prompt: '$' | 'warden>';
  readonly commands: readonly ConsoleCommand[];
}

export interface Ran extends ConsoleCommand {
  readonly status: number;
  /** Standard output and standard error, as they came. */
  readonly printed: string;
}

const PROMPT = /^(\$|warden>) (.*)$/;

/** The blocks of a document; a command that ends with a backslash goes on in the next line. */
export function consoleBlocksOf(text: string): ConsoleBlock[] {
  let heading = '';
  const blocks: ConsoleBlock[] = [];
  for (const match of text.matchAll(/^#+ (.+)$|^```console\n([^]*?)^```$/gm)) {
    heading = match[1] ?? heading;
    if (match[2] === undefined) continue;
    const at = text.slice(0, match.index).split('\n').length;
    blocks.push({ title: heading, at, ...commandsOf(match[2], at) });
  }
  return blocks;
}

function commandsOf(block: string, at: number): Pick<ConsoleBlock, 'prompt' | 'commands'> {
  const commands: { line: string; shown: string }[] = [];
  const prompts = new Set<string>();
  for (const text of block.split('\n').slice(0, -1)) {
    const [, prompt, line] = PROMPT.exec(text) ?? [];
    const last = commands.at(-1);
    if (prompt !== undefined && line !== undefined) {
      prompts.add(prompt);
      commands.push({ line, shown: '' });
    } else if (last === undefined) throw new Error(`line ${at}: a console block begins with a command`);
    else if (last.line.endsWith('\\')) last.line += `\n${text}`;
    else last.shown += `${text}\n`;
  }
  const [prompt, other] = prompts;
  if (other !== undefined || (prompt !== '$' && prompt !== 'warden>')) throw new Error(`line ${at}: a console block has commands of one kind`);
  return { prompt, commands };
}

/** What differs between two runs, or between a reader's machine and a test's, and what it looks like. */
const VARIABLE: readonly [looksLike: RegExp, pattern: string][] = [
  [/(?<=\bjob_id : )\d+/, '\\d+'],
  [/(?<=^|\n) ?\d+(?=  (?:running|ended) )/, ' *\\d+'],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/, '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z'],
  [/(?:\/[a-z-]+)+\/containers\/[0-9a-v]{11}/, '/\\S+/containers/[0-9a-v]{11}'],
  [/\b(?=[a-v]*\d)[0-9a-v]{11}\b/, '[0-9a-v]{11}'],
  [/\/var\/lib\/warden-rootfs\/host\b/, '/\\S+'],
  [/\b\d+ (?:second|minute)s? ago\b/, '\\d+ (?:second|minute)s? ago'],
  [/\b10\.\d+\.\d+\.\d+/, '10\\.\\d+\\.\\d+\\.\\d+'],
  [/\b(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)? ?(?:ms|s)\b/, '(?:\\d+h)?(?:\\d+m)?\\d+(?:\\.\\d+)? ?(?:ms|s)'],
  [/\b\d+(?:\.\d+)? ?(?:[KMGT]i?)?B\b/, '\\d+(?:\\.\\d+)? ?(?:[KMGT]i?)?B'],
  [/\b\d+\.\d+ ?%/, '\\d+\\.\\d+ ?%'],
  [/\b[0-9a-f]{12}\b|\b[0-9a-f]{64}\b/, '[0-9a-f]+'],
  [/\b(?:1\d|[2-6]\d)\d{3}\b/, '\\d{5}'],
  [/ {2,}/, ' {2,}'],
];

/** Matches what a document shows, and whatever differs from it in what cannot be the same. */
export function patternOf(shown: string): RegExp {
  const either = new RegExp(VARIABLE.map(([{ source }]) => `(${source})`).join('|'), 'g');
  let pattern = '';
  let end = 0;
  for (const match of shown.matchAll(either)) {
    const which = match.slice(1).findIndex((group) => group !== undefined);
    pattern += escaped(shown.slice(end, match.index)) + (VARIABLE[which]?.[1] ?? '');
    end = match.index + match[0].length;
  }
  return new RegExp(`^${pattern}${escaped(shown.slice(end))}$`);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** A directory with everything of the checkout in it, so that what a command makes beside it is not made in the checkout. */
export function makeCheckoutView(directory: string): void {
  mkdirSync(directory);
  for (const name of readdirSync(repository)) if (name !== '.git') symlinkSync(join(repository, name), join(directory, name));
}

export interface ConsoleOptions {
  readonly cwd: string;
  readonly socket: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Between the outputs of two commands; none has it. */
const MARK = '\x1e';

/** Runs a block's commands as a reader would: root, so that sudo is nothing, with the checkout's programs in the path. */
export async function runConsoleBlock({ prompt, commands }: ConsoleBlock, { cwd, socket, environment, timeoutMs = 60_000 }: ConsoleOptions): Promise<Ran[]> {
  const env = { HOME: cwd, PATH: `${cwd}/bin:${process.env['PATH'] ?? ''}`, WARDEN_SOCKET: socket, LANG: 'C.UTF-8', ...environment };
  if (prompt === 'warden>') {
    const { stdout } = await runProgram('bash', ['-c', 'exec warden --trace 2>&1'], { cwd, env, timeoutMs, input: commands.map(({ line }) => `${line}\n`).join('') });
    const printed = stdout.split(/^\+ .*\n/m).slice(1);
    return commands.map((command, index) => ({ ...command, status: 0, printed: printed[index] ?? '' }));
  }
  const script = commands.map(({ line }) => `${line}\n__status=$?; printf '${MARK}%d${MARK}' $__status; (exit $__status)\n`);
  const { stdout } = await runProgram('bash', ['-c', `exec 2>&1; sudo() { "$@"; }\n${script.join('')}`], { cwd, env, timeoutMs });
  const parts = stdout.split(MARK);
  return commands.map((command, index) => ({ ...command, printed: parts[2 * index] ?? '', status: Number(parts[2 * index + 1] ?? -1) }));
}

/** What is wrong with a run, a sentence each. A status is expected to be 0, except where the next command shows it. */
export function complaintsAbout(ran: readonly Ran[]): string[] {
  return ran.flatMap(({ line, shown, printed, status }, index) => [
    ...(shown === '' || patternOf(shown).test(printed) ? [] : [`${line}\nprints\n${printed}instead of\n${shown}`]),
    ...(status === 0 || ran[index + 1]?.line === 'echo $?' ? [] : [`${line}\nends with status ${status}:\n${printed}`]),
  ]);
}

export function readDocument(path: string): string {
  return readFileSync(join(repository, path), 'utf8');
}
