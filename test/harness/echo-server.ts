/*
 * TCP and UDP echo servers in a network namespace, in a process of their own, that report every packet that reaches them.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Place } from './run-program.js';
import { withDeadline } from './wait.js';

const program = fileURLToPath(new URL('./world-server.js', import.meta.url));

/** What arrived: a TCP connection, without data, or what came by one, or a datagram. */
export interface Contact { readonly protocol: string; readonly from: string; readonly to: string; readonly data: string }

export class EchoServer {
  readonly contacts: Contact[] = [];
  readonly #child: ChildProcess;
  #wake: () => void = () => {};

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** `addresses`: each an IPv4 address and a port, `192.0.2.1:80`. */
  static async start(place: Place, addresses: readonly string[]): Promise<EchoServer> {
    const [first = '', ...rest] = [...place.enter, process.execPath, program, ...addresses];
    const child = spawn(first, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    if (child.stdout === null) throw new Error('the echo server could not be started');
    const server = new EchoServer(child);
    const lines = createInterface({ input: child.stdout });
    await withDeadline(once(lines, 'line'), 10_000, `echo servers on ${addresses.join(', ')}`);
    lines.on('line', (line) => {
      server.contacts.push(JSON.parse(line) as Contact);
      server.#wake();
    });
    return server;
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the echo server could not be started');
    return this.#child.pid;
  }

  /** Waits until something has arrived that `matches`. */
  async contact(matches: (contact: Contact) => boolean, milliseconds = 3_000): Promise<Contact> {
    return await withDeadline((async () => {
      for (;;) {
        const found = this.contacts.find(matches);
        if (found) return found;
        await new Promise<void>((resolve) => { this.#wake = resolve; });
      }
    })(), milliseconds, 'contact with an echo server');
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
