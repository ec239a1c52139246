/* A syslog of the test's own: Node has no datagram sockets of the unix kind, so a small Python program owns it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { repository } from './paths.js';
import { withDeadline } from './wait.js';

const UNTIL_MS = 20_000;
const program = `${repository}/test/harness/syslog-socket.py`;

export class Syslog {
  /** Each as it came, without its time. */
  readonly datagrams: string[] = [];
  readonly #child: ChildProcess;
  #wake: () => void = () => {};

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Listens at `path`; what is there is replaced. */
  static async listen(path: string): Promise<Syslog> {
    const child = spawn('python3', [program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    assert.ok(child.stdout !== null);
    const syslog = new Syslog(child);
    const lines = createInterface({ input: child.stdout });
    await withDeadline(once(lines, 'line'), UNTIL_MS, 'a syslog that listens');
    lines.on('line', (line) => {
      syslog.datagrams.push(Buffer.from(line, 'hex').toString());
      syslog.#wake();
    });
    return syslog;
  }

  /** The lines so far as `PRIORITY TAG: TEXT`; each has to have the form of RFC 3164 with a time of the last day. */
  get lines(): string[] {
    return this.datagrams.map((datagram) => {
      const [, priority, time, rest] = /^<(\d+)>([A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d) ([^]*)$/.exec(datagram) ?? assert.fail(datagram);
      const age = Date.now() - Date.parse(`${time} ${new Date().getFullYear()}`);
      assert.ok(age > -60_000 && age < 86_400_000, `${datagram} is ${age} ms old`);
      return `${priority} ${rest}`;
    });
  }

  /** Resolves with the lines when there is one like this. */
  async until(pattern: RegExp): Promise<string[]> {
    await this.untilDatagram(pattern);
    return this.lines;
  }

  /** The same, whatever time they tell. */
  async untilDatagram(pattern: RegExp): Promise<void> {
    const seen = async (): Promise<void> => {
      while (!this.datagrams.some((datagram) => pattern.test(datagram))) await new Promise<void>((resolve) => { this.#wake = resolve; });
    };
    await withDeadline(seen(), UNTIL_MS, `a datagram with ${String(pattern)}; there are: ${this.datagrams.slice(-5).join(' | ')}`);
  }

  /** Takes nothing any more until resume(). */
  pause(): void { this.#child.kill('SIGSTOP'); }
  resume(): void { this.#child.kill('SIGCONT'); }

  /** Ends at once; the socket's file stays, as after a crash. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
