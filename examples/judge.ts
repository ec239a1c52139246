/*
 * A judge: compiles a submission and runs it on every test of a problem, with limits of time, memory and output.
 *
 *   node examples/dist/judge.js PROBLEM SUBMISSION
 *
 * PROBLEM is a directory with problem.json (timeLimitMs, memoryLimitBytes) and tests/NAME.in, tests/NAME.out. Each test
 * has a box of its own, so that a submission learns nothing of the other tests; a box takes milliseconds. The exit
 * status is 0 when every test was accepted.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { argv, exit } from 'node:process';
import { Warden, type RunResult } from 'warden-client';

interface Problem {
  readonly timeLimitMs: number;
  readonly memoryLimitBytes: number;
}

interface Language {
  /** Makes ./program of ./source; without it the source is what runs. */
  readonly compile?: readonly string[];
  readonly run: readonly string[];
}

type Verdict = 'accepted' | 'wrong answer' | 'time limit exceeded' | 'memory limit exceeded' | 'output limit exceeded' | 'runtime error';

const LANGUAGES: Readonly<Record<string, Language>> = {
  '.c': { compile: ['gcc', '-O2', '-x', 'c', 'source', '-o', 'program', '-lm'], run: ['./program'] },
  '.py': { run: ['python3', 'program'] },
};

const COMPILER = { memoryBytes: 512 * 1024 * 1024, timeoutMs: 30_000 };

/** Gives the program, or what the compiler said against the submission. */
async function compile(warden: Warden, source: Uint8Array, command: readonly string[]): Promise<{ program: Uint8Array } | { complaint: string }> {
  await using box = await warden.create({ limits: { memoryBytes: COMPILER.memoryBytes } });
  await box.files.write('source', source);
  const { ok, stderr, timedOut } = await box.run(command, { timeoutMs: COMPILER.timeoutMs });
  if (!ok) return { complaint: timedOut === true ? 'compiling took too long' : stderr };
  return { program: await box.files.read('program').bytes() };
}

async function judge(warden: Warden, program: Uint8Array, command: readonly string[], { timeLimitMs, memoryLimitBytes }: Problem, input: Uint8Array, expected: string): Promise<Verdict> {
  // One processor: threads do not buy time.
  await using box = await warden.create({ limits: { memoryBytes: memoryLimitBytes, processors: 1 } });
  await box.files.write('program', program, { mode: 0o755 });
  const result = await box.run(command, { stdin: input, timeoutMs: timeLimitMs, rlimits: { fsize: 16n * 1024n * 1024n } });
  return verdictOf(result, (await box.info()).events, expected);
}

function verdictOf({ ok, timedOut, stdout }: RunResult, events: readonly string[], expected: string): Verdict {
  if (events.includes('out of memory')) return 'memory limit exceeded';
  if (events.includes('command exceeded maximum output')) return 'output limit exceeded';
  if (timedOut === true) return 'time limit exceeded';
  if (!ok) return 'runtime error';
  return words(stdout) === words(expected) ? 'accepted' : 'wrong answer';
}

/** Answers may differ in white space. */
function words(text: string): string {
  return text.trim().split(/\s+/).join(' ');
}

const [, , problemPath, submissionPath] = argv;
if (problemPath === undefined || submissionPath === undefined) {
  console.error('usage: judge PROBLEM SUBMISSION');
  exit(2);
}
const language = LANGUAGES[extname(submissionPath)];
if (language === undefined) {
  console.error(`${basename(submissionPath)} is in none of the languages ${Object.keys(LANGUAGES).join(' ')}`);
  exit(2);
}
const problem = JSON.parse(await readFile(join(problemPath, 'problem.json'), 'utf8')) as Problem;
const source = await readFile(submissionPath);
const tests = (await readdir(join(problemPath, 'tests'))).filter((name) => name.endsWith('.in')).map((name) => name.slice(0, -'.in'.length)).sort();

await using warden = new Warden();
const built = language.compile === undefined ? { program: source } : await compile(warden, source, language.compile);
if ('complaint' in built) {
  console.log(`does not compile\n${built.complaint.trimEnd()}`);
  process.exitCode = 1;
} else {
  let accepted = 0;
  for (const name of tests) {
    const [input, expected] = await Promise.all([readFile(join(problemPath, 'tests', `${name}.in`)), readFile(join(problemPath, 'tests', `${name}.out`), 'utf8')]);
    const verdict = await judge(warden, built.program, language.run, problem, input, expected);
    console.log(`${name}: ${verdict}`);
    if (verdict === 'accepted') accepted += 1;
  }
  console.log(`${accepted} of ${tests.length} accepted`);
  process.exitCode = accepted === tests.length ? 0 : 1;
}
