// The program on a real terminal: `script` of util-linux gives it one, and what the terminal would show comes back.
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FakeServer } from 'warden-client/testing';
import { Type } from 'warden-protocol';
import { quoteWord } from './command-reader.js';

const program = fileURLToPath(new URL('../../../bin/warden', import.meta.url));

/** Something that should appear has to appear within this time. */
const DEADLINE_MS = 20_000;

/** A terminal with the program on it. */
class Terminal {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exit: Promise<unknown[]>;
  #seen = '';
  #from = 0;
  #changed: () => void = () => undefined;

  constructor(home: string, socket: string, options: readonly string[] = []) {
    const command = [process.execPath, program, '--socket', socket, ...options].map(quoteWord).join(' ');
    this.#child = spawn('script', ['-qec', command, '/dev/null'], { env: { ...process.env, HOME: home, TERM: 'xterm', SHELL: '/bin/sh' } });
    this.#exit = once(this.#child, 'close');
    const take = (chunk: Buffer): void => {
      this.#seen += chunk.toString();
      this.#changed();
    };
    this.#child.stdout.on('data', take);
    this.#child.stderr.on('data', take);
  }

  send(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Waits until the pattern has appeared behind what was waited for before. */
  async expect(pattern: RegExp): Promise<void> {
    for (;;) {
      const match = pattern.exec(this.#seen.slice(this.#from));
      if (match !== null) {
        this.#from += match.index + match[0].length;
        return;
      }
      let timer: NodeJS.Timeout | undefined;
      const over = await Promise.race([new Promise<false>((resolve) => { this.#changed = () => resolve(false); }), this.#exit.then(() => true),
        new Promise<true>((resolve) => { timer = setTimeout(() => resolve(true), DEADLINE_MS); })]);
      clearTimeout(timer);
      if (over) assert.match(this.#seen.slice(this.#from), pattern);
    }
  }

  /** The exit status. */
  async ended(): Promise<number> {
    return (await this.#exit)[0] as number;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

let home: string;
let server: FakeServer;
let terminal: Terminal;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'warden-home-'));
  server = await FakeServer.listen({
    [Type.List]: () => ({ handles: ['17sd5s9j2ag', 'other'] }),
    [Type.Info]: ({ handle }) => ({ state: `state of ${handle}` }),
    [Type.Echo]: ({ message }) => ({ message }),
    [Type.Spawn]: () => ({ jobId: 3 }),
    [Type.Jobs]: () => ({ jobs: [{ id: 3, state: 'running', command: 'sleep 60' }] }),
    [Type.Logs]: async function* (_request, { socket }) {
      yield { name: 'stdout', data: Buffer.from('so far'), position: 0n };
      await new Promise((resolve) => socket.once('close', resolve));
    },
    [Type.Stream]: async function* (_request, { socket }) {
      yield { name: 'stdout', data: Buffer.from('no newline') };
      if (server.requests.some(({ request }) => (request as { script?: string }).script === 'forever')) await new Promise((resolve) => socket.once('close', resolve));
      yield { exitStatus: 5 };
    },
  });
});
afterEach(async () => {
  terminal.kill();
  await terminal.ended();
  await server[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});

function open(...options: string[]): Terminal {
  terminal = new Terminal(home, server.path, options);
  return terminal;
}

describe('on a terminal', () => {
  it('prompts, answers, and leaves at the end of the input', async () => {
    const { send, expect } = bound(open());
    await expect(/warden> /);
    send('ping\r');
    await expect(/pong\r\n.*warden> /);
    send('nope\r');
    await expect(/unknown command "nope"; help lists the commands\r\n.*warden> /);
    send('\x04');
    assert.equal(await terminal.ended(), 1);
  });

  it('leaves at exit with the status of the last command', async () => {
    const { send, expect } = bound(open());
    await expect(/warden> /);
    send('run --handle x --script y\r');
    await expect(/no newline\r\n.*exit status 5\r\n.*warden> /s);
    send('exit\r');
    assert.equal(await terminal.ended(), 5);
  });

  it('completes commands, flags and live handles', async () => {
    const { send, expect } = bound(open());
    await expect(/warden> /);
    send('inf\t');
    await expect(/info /);
    send('--ha\t');
    await expect(/--handle /);
    send('17\t');
    await expect(/17sd5s9j2ag /);
    send('\r');
    await expect(/state : state of 17sd5s9j2ag/);
  });

  it('offers several completions', async () => {
    const { send, expect } = bound(open());
    await expect(/warden> /);
    // Readline takes a Tab in the middle of a piece of input for a pasted one: each is sent when the one before has shown.
    send('limi\t');
    await expect(/limit/);
    send('\t');
    await expect(/limit\s+limit_bandwidth\s+limit_cpu\s+limit_disk\s+limit_memory/);
  });

  it('keeps its history from one session to the next, for its owner alone', async () => {
    const first = bound(open());
    await first.expect(/warden> /);
    first.send('echo --message remembered\r');
    await first.expect(/message : remembered/);
    await first.expect(/warden> /);
    first.send('exit\r');
    assert.equal(await terminal.ended(), 0);
    const path = join(home, '.warden-history');
    assert.equal(readFileSync(path, 'utf8'), 'echo --message remembered\nexit\n');
    assert.equal(statSync(path).mode & 0o777, 0o600);

    const second = bound(open());
    await second.expect(/warden> /);
    second.send('\x1b[A\x1b[A\r');
    await second.expect(/message : remembered/);
  });

  it('says once that there is no history, and goes on', async () => {
    rmSync(home, { recursive: true });
    writeFileSync(home, '');
    const { send, expect } = bound(open());
    await expect(/no history: /);
    await expect(/warden> /);
    send('ping\r');
    await expect(/pong/);
  });

  it('takes a quoted word over several lines', async () => {
    const { send, expect } = bound(open());
    await expect(/warden> /);
    send('echo --message "one\r');
    await expect(/\r\n.*> /);
    send('two"\r');
    await expect(/message : one\r\ntwo\r\n/);
  });

  it('Ctrl-C drops what is typed, and ends a command but not the program', async () => {
    const { send, expect } = bound(open());
    await expect(/warden> /);
    send('nonsense "');
    await expect(/nonsense "/);
    send('\x03');
    await expect(/\^C\r\n.*warden> /);
    send('run --handle x --script forever\r');
    await expect(/no newline/);
    send('\x03');
    await expect(/interrupted; job 3 goes on\r\n/);
    await expect(/warden> /);
    send('ping\r');
    await expect(/pong/);
    assert.equal(server.connections, 2);
  });

  it('shows jobs and follows logs, which Ctrl-C ends', async () => {
    const { send, expect } = bound(open());
    await expect(/warden> /);
    send('jobs demo\r');
    await expect(/ID {2}STATE .*\r\n *3 {2}running .* sleep 60\r\n.*warden> /s);
    send('logs demo 3 -f\r');
    await expect(/so far/);
    send('\x03');
    await expect(/interrupted; job 3 is left as it is\r\n/);
    await expect(/warden> /);
    send('ping\r');
    await expect(/pong/);
    assert.deepEqual(server.requests.filter(({ type }) => type === Type.Logs).map(({ request }) => request), [{ handle: 'demo', jobId: 3, follow: true }]);
  });

  it('connects again after the server was away', async () => {
    const { send, expect } = bound(open());
    await expect(/warden> /);
    send('ping\r');
    await expect(/pong/);
    await expect(/warden> /);
    await server.stop();
    send('ping\r');
    await expect(/lost the connection|no warden server/);
    await expect(/warden> /);
    await server.start();
    send('ping\r');
    await expect(/pong/);
  });

  it('stops at the first failure with --exit_on_error', async () => {
    const { send, expect } = bound(open('--exit_on_error'));
    await expect(/warden> /);
    send('nope\r');
    assert.equal(await terminal.ended(), 1);
  });
});

function bound(opened: Terminal): { send: (text: string) => void; expect: (pattern: RegExp) => Promise<void> } {
  return { send: (text) => opened.send(text), expect: (pattern) => opened.expect(pattern) };
}
