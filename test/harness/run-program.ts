/* Runs a program to its end, without a shell. */
import { spawn } from 'node:child_process';
import type { SpawnOptions } from 'node:child_process';
import { PATIENCE } from './patience.js';

/** Where a program runs: `enter` is put in front of its command line. */
export interface Place { readonly enter: readonly string[] }

/** The network of the test's own process. */
export const here: Place = { enter: [] };

export interface RunOptions extends SpawnOptions { readonly input?: string; readonly timeoutMs?: number; readonly place?: Place }

export interface Finished { readonly status: number | null; readonly signal: NodeJS.Signals | null; readonly stdout: string; readonly stderr: string }

export function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { input, timeoutMs = 20_000, place = here, ...rest } = options;
  const [first = program, ...further] = [...place.enter, program, ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(first, further, { ...rest, stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs * PATIENCE);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
    child.stdin.on('error', () => { /* a program that does not read its input ends early */ });
    child.stdin.end(input ?? '');
  });
}

/** The same, and anything but exit status 0 is an error that shows what the program said. */
export async function mustRun(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, signal, stdout, stderr } = await runProgram(program, args, options);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${signal ?? `exit status ${status}`}\n${stderr}${stdout}`);
  return stdout;
}
