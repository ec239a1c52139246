/*
 * "The world": a network namespace behind an uplink of the host, with TCP and UDP echo servers in it that report every
 * packet that reaches them. The namespace exists as long as its process.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { mustRun } from './run-program.js';
import type { Slot } from './slot.js';
import { withDeadline } from './wait.js';

export const WORLD_PORT = 7777;
const program = fileURLToPath(new URL('./world-server.js', import.meta.url));

export interface Contact { readonly protocol: string; readonly from: string; readonly data: string }

export class World {
  /** Of the server inside. */
  readonly address: string;
  /** Of the host on the uplink. */
  readonly hostAddress: string;
  readonly network: string;
  readonly #uplink: string;
  readonly contacts: Contact[] = [];
  readonly #child: ChildProcess;
  #wake: () => void = () => {};

  private constructor(slot: Slot, child: ChildProcess) {
    this.network = `198.18.${slot.number}.0/30`;
    this.hostAddress = `198.18.${slot.number}.1`;
    this.address = `198.18.${slot.number}.2`;
    this.#uplink = `wt${slot.number}h`;
    this.#child = child;
  }

  /** `containers`: the containers' network, which the world routes to through the host. */
  static async open(slot: Slot): Promise<World> {
    const child = spawn('unshare', ['--net', process.execPath, program, String(WORLD_PORT)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const world = new World(slot, child);
    if (child.stdout === null || child.pid === undefined) throw new Error('the world could not be started');
    const lines = createInterface({ input: child.stdout });
    await withDeadline(once(lines, 'line'), 5_000, 'the world ready');
    lines.on('line', (line) => {
      world.contacts.push(JSON.parse(line) as Contact);
      world.#wake();
    });
    const [host, inside] = [world.#uplink, `wt${slot.number}w`];
    const enter = ['--net', '--target', String(child.pid)];
    await mustRun('ip', ['link', 'add', host, 'type', 'veth', 'peer', 'name', inside, 'netns', String(child.pid)]);
    await mustRun('ip', ['address', 'add', `${world.hostAddress}/30`, 'dev', host]);
    await mustRun('ip', ['link', 'set', host, 'up']);
    for (const command of [
      ['ip', 'address', 'add', `${world.address}/30`, 'dev', inside],
      ['ip', 'link', 'set', inside, 'up'],
      ['ip', 'link', 'set', 'lo', 'up'],
      ['ip', 'route', 'add', 'default', 'via', world.hostAddress],
    ]) await mustRun('nsenter', [...enter, ...command]);
    return world;
  }

  /** Runs a program with the world's view of the network. */
  get enter(): readonly string[] { return ['nsenter', '--net', '--target', String(this.#child.pid)]; }

  /** Waits until something has arrived that `matches`. */
  async contact(matches: (contact: Contact) => boolean, milliseconds = 3_000): Promise<Contact> {
    return await withDeadline((async () => {
      for (;;) {
        const found = this.contacts.find(matches);
        if (found) return found;
        await new Promise<void>((resolve) => { this.#wake = resolve; });
      }
    })(), milliseconds, 'contact with the world');
  }

  /** A packet of our own, sent after those of the test on the same uplink: when it has arrived, they would have too. */
  async flush(): Promise<void> {
    const mark = `mark-${Math.random()}`;
    const socket = dgram.createSocket('udp4');
    socket.send(mark, WORLD_PORT, this.address);
    await this.contact(({ data }) => data.includes(mark));
    socket.close();
  }

  async close(): Promise<void> {
    await mustRun('ip', ['link', 'delete', this.#uplink]);
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
