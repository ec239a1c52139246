/*
 * "The world": a network namespace behind an uplink of the host, with TCP and UDP echo servers in it that report every
 * packet that reaches them.
 */
import dgram from 'node:dgram';
import { EchoServer } from './echo-server.js';
import type { Contact } from './echo-server.js';
import { NetworkNamespace } from './network-namespace.js';
import { mustRun } from './run-program.js';
import type { Slot } from './slot.js';

export type { Contact } from './echo-server.js';
export const WORLD_PORT = 7777;

export class World {
  /** Of the server inside. */
  readonly address: string;
  /** Of the host on the uplink. */
  readonly hostAddress: string;
  readonly network: string;
  readonly #uplink: string;
  readonly #namespace: NetworkNamespace;
  readonly #server: EchoServer;

  private constructor(slot: Slot, namespace: NetworkNamespace, server: EchoServer) {
    this.network = `198.18.${slot.number}.0/30`;
    this.hostAddress = `198.18.${slot.number}.1`;
    this.address = `198.18.${slot.number}.2`;
    this.#uplink = `wt${slot.number}h`;
    this.#namespace = namespace;
    this.#server = server;
  }

  static async open(slot: Slot): Promise<World> {
    const namespace = await NetworkNamespace.open();
    const world = new World(slot, namespace, await EchoServer.start(namespace, [`0.0.0.0:${WORLD_PORT}`]));
    const [host, inside] = [world.#uplink, `wt${slot.number}w`];
    await mustRun('ip', ['link', 'add', host, 'type', 'veth', 'peer', 'name', inside, 'netns', String(namespace.pid)]);
    await mustRun('ip', ['address', 'add', `${world.hostAddress}/30`, 'dev', host]);
    await mustRun('ip', ['link', 'set', host, 'up']);
    await namespace.run('ip', ['address', 'add', `${world.address}/30`, 'dev', inside]);
    await namespace.run('ip', ['link', 'set', inside, 'up']);
    await namespace.run('ip', ['route', 'add', 'default', 'via', world.hostAddress]);
    return world;
  }

  get contacts(): Contact[] { return this.#server.contacts; }

  /** Runs a program with the world's view of the network. */
  get enter(): readonly string[] { return this.#namespace.enter; }

  /** Waits until something has arrived that `matches`. */
  async contact(matches: (contact: Contact) => boolean, milliseconds = 3_000): Promise<Contact> {
    return await this.#server.contact(matches, milliseconds);
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
    await this.#server.close();
    await this.#namespace.close();
  }
}
