/*
 * What surrounds a daemon that has a network namespace of its own (useServer's `networkNamespace`): a local network with a router to "the internet", a
 * neighbour, a name server's machine, and a cloud's metadata service. Each machine is a namespace; packets stay among them.
 *
 *   the daemon's machine   198.51.100.1     its uplink, with the default route through the router
 *   router                 198.51.100.2     also the internet's server 203.0.113.10, and 169.254.169.254 on the local network
 *   neighbour              198.51.100.3     like the router it knows the way to the containers, through the daemon's machine
 *   name server            198.51.100.53    a bare machine; a test starts in it what it needs
 */
import { EchoServer } from './echo-server.js';
import type { Contact } from './echo-server.js';
import { NetworkNamespace } from './network-namespace.js';
import type { Slot } from './slot.js';

export const ECHO_PORT = 7777;
const METADATA_PORT = 80;
const PREFIX = 24;

/** A machine on the local network. */
export interface Machine { readonly address: string; readonly namespace: NetworkNamespace }

export class Lan {
  readonly network = `198.51.100.0/${PREFIX}`;
  readonly uplink = 'uplink';
  readonly hostAddress = '198.51.100.1';
  readonly internetAddress = '203.0.113.10';
  /** Echoes on port 80 as well. */
  readonly metadataAddress = '169.254.169.254';
  readonly router: Machine;
  readonly neighbour: Machine;
  readonly nameServer: Machine;
  /** Of the machine that the daemon runs on. */
  readonly host: NetworkNamespace;
  /** On port ECHO_PORT of the router, the internet's server and the metadata service. */
  readonly #echo: EchoServer;
  /** On port ECHO_PORT of the neighbour. */
  readonly #neighbourEcho: EchoServer;

  private constructor(host: NetworkNamespace, machines: readonly [Machine, Machine, Machine], echo: EchoServer, neighbourEcho: EchoServer) {
    this.host = host;
    [this.router, this.neighbour, this.nameServer] = machines;
    this.#echo = echo;
    this.#neighbourEcho = neighbourEcho;
  }

  /** @param host where the daemon runs */
  static async open(slot: Slot, host: NetworkNamespace): Promise<Lan> {
    const [router, neighbour, nameServer] = await Promise.all([machine('198.51.100.2'), machine('198.51.100.3'), machine('198.51.100.53')]);
    await makeBridge(router);
    await attach(router, host, 'uplink', '198.51.100.1');
    await attach(router, neighbour.namespace, 'lan', neighbour.address);
    await attach(router, nameServer.namespace, 'lan', nameServer.address);
    await host.run('ip', ['route', 'add', 'default', 'via', router.address]);
    await host.run('ip', ['route', 'add', '169.254.169.254', 'dev', 'uplink']);
    for (const { namespace } of [router, neighbour, nameServer]) await namespace.run('ip', ['route', 'add', `${slot.network}/20`, 'via', '198.51.100.1']);
    for (const { namespace } of [neighbour, nameServer]) await namespace.run('ip', ['route', 'add', 'default', 'via', router.address]);
    const echo = await EchoServer.start(router.namespace, [
      `${router.address}:${ECHO_PORT}`, `203.0.113.10:${ECHO_PORT}`, `169.254.169.254:${ECHO_PORT}`, `169.254.169.254:${METADATA_PORT}`,
    ]);
    return new Lan(host, [router, neighbour, nameServer], echo, await EchoServer.start(neighbour.namespace, [`${neighbour.address}:${ECHO_PORT}`]));
  }

  /** What reached the router, the internet's server and the metadata service (`to` tells which), and the neighbour. */
  get contacts(): Contact[] { return [...this.#echo.contacts, ...this.#neighbourEcho.contacts]; }

  forget(): void {
    this.#echo.contacts.length = 0;
    this.#neighbourEcho.contacts.length = 0;
  }

  /** Waits until something has arrived at the router's addresses that `matches`. */
  async contact(matches: (contact: Contact) => boolean, milliseconds = 3_000): Promise<Contact> {
    return await this.#echo.contact(matches, milliseconds);
  }

  /** A packet of the daemon's machine, sent after those of the test on the same uplink: when it has arrived at the two machines, they would have too. */
  async flush(): Promise<void> {
    const mark = `mark-${Math.random()}`;
    for (const [server, { address }] of [[this.#echo, this.router], [this.#neighbourEcho, this.neighbour]] as const) {
      await this.host.run('bash', ['-c', `echo ${mark} > /dev/udp/${address}/${ECHO_PORT}`]);
      await server.contact(({ data }) => data.includes(mark));
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#echo.close(), this.#neighbourEcho.close()]);
    for (const { namespace } of [this.router, this.neighbour, this.nameServer]) await namespace.close();
  }
}

async function machine(address: string): Promise<Machine> {
  return { address, namespace: await NetworkNamespace.open() };
}

async function makeBridge({ address, namespace }: Machine): Promise<void> {
  await namespace.run('ip', ['link', 'add', 'lan', 'type', 'bridge']);
  for (const each of [`${address}/${PREFIX}`, '169.254.169.254/32']) await namespace.run('ip', ['address', 'add', each, 'dev', 'lan']);
  await namespace.run('ip', ['address', 'add', '203.0.113.10/32', 'dev', 'lo']);
  await namespace.run('ip', ['link', 'set', 'lan', 'up']);
}

/** A cable from the bridge to `other`. */
async function attach({ namespace }: Machine, other: NetworkNamespace, name: string, address: string): Promise<void> {
  const port = `p${address.split('.').at(-1)}`;
  await namespace.run('ip', ['link', 'add', port, 'type', 'veth', 'peer', 'name', name, 'netns', String(other.pid)]);
  await namespace.run('ip', ['link', 'set', port, 'master', 'lan', 'up']);
  await other.run('ip', ['address', 'add', `${address}/${PREFIX}`, 'dev', name]);
  await other.run('ip', ['link', 'set', name, 'up']);
}
