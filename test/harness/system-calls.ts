/*
 * The system calls of one thread, by strace: counted, or the process killed just before call number N of a kind takes effect.
 * wardend makes its changes from its main thread alone, so that N, from 1 up, enumerates every moment at which it can die.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { withDeadline } from './wait.js';

/** One moment in the life of a thread: before its call number `number`, counted from 1, of this kind. */
export interface Moment { readonly call: string; readonly number: number }

export interface Tracing {
  /** Ends the tracing; how often each call was made. */
  end(): Promise<Map<string, number>>;
}

const ATTACH_MS = 10_000;

/**
 * Traces the thread `pid` alone, from when this resolves.
 * @param file takes what strace writes
 * @param killAt the process dies before this call
 */
export async function traceCalls(pid: number, calls: readonly string[], file: string, killAt?: Moment): Promise<Tracing> {
  const inject = killAt === undefined ? [] : ['-e', `inject=${killAt.call}:signal=KILL:when=${killAt.number}`];
  const child = spawn('strace', ['-p', String(pid), '-o', file, '-e', `trace=${calls.join()}`, '-e', 'signal=none', ...inject], { stdio: ['ignore', 'ignore', 'pipe'] });
  const closed = once(child, 'close');
  let words = '';
  const attached = new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (text: Buffer) => {
      words += text.toString();
      if (words.includes('attached')) resolve();
    });
    child.once('error', reject);
    void closed.then(() => reject(new Error(`strace ended: ${words}`)));
  });
  await withDeadline(attached, ATTACH_MS, 'strace attached');
  return {
    async end() {
      // Detaches and ends; a tracee that is dead has ended it already.
      child.kill('SIGINT');
      // One that waits for a tracee that dies at this very moment may wait for ever.
      await withDeadline(closed, ATTACH_MS, 'the end of strace').catch(() => {
        child.kill('SIGKILL');
        return closed;
      });
      const counts = new Map<string, number>();
      for (const [, call = ''] of readFileSync(file, 'utf8').matchAll(/^(\w+)\(/gm)) counts.set(call, (counts.get(call) ?? 0) + 1);
      return counts;
    },
  };
}
