/**
 * Asks the name servers that the machine uses: each question from a port of its own, with an id that nobody can guess, so
 * that an answer from elsewhere is not taken for theirs. Servers are tried in turn, and again, as a stub resolver does.
 */
import dgram from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { startTimer, type Clock } from '../lib/timer.js';

export interface NameServer {
  readonly address: string;
  readonly port: number;
}

export type Transport = 'udp' | 'tcp';

/** A stub resolver asks again after 5 s. */
const attemptDeadlineMs = 1500;
const attempts = 3;
/** Of a frame that a server announces by TCP. */
const frameLimit = 65_535;

export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export interface UpstreamOptions {
  readonly clock: Clock;
  /** In the order in which they are asked. */
  readonly servers: () => readonly NameServer[];
}

export class Upstream {
  constructor(private readonly options: UpstreamOptions) {}

  /**
   * @param accept says whether a message is the answer; others are passed over
   * @throws NoAnswer from none of the servers
   */
  async ask(query: Buffer, transport: Transport, accept: (reply: Buffer) => boolean): Promise<Buffer> {
    const servers = this.options.servers();
    let reason = 'no name server is known: network.dns_servers is empty, and so is resolv.conf';
    for (let attempt = 0; attempt < attempts; attempt++) {
      const server = servers[attempt % servers.length];
      if (server === undefined) break;
      try {
        return await (transport === 'udp' ? this.#byDatagram(server, query, accept) : this.#byStream(server, query, accept));
      } catch (error) {
        reason = `${server.address} port ${server.port}: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
    throw new NoAnswer(reason);
  }

  #byDatagram({ address, port }: NameServer, query: Buffer, accept: (reply: Buffer) => boolean): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const socket = dgram.createSocket(isIPv6(address) ? 'udp6' : 'udp4');
      const end = (settle: () => void): void => {
        cancelTimer();
        socket.removeAllListeners();
        socket.on('error', () => undefined);
        socket.close();
        settle();
      };
      const cancelTimer = startTimer(this.options.clock, attemptDeadlineMs, () => end(() => reject(new Error('no answer'))));
      socket.once('error', (error) => end(() => reject(error)));
      socket.on('message', (reply) => {
        if (accept(reply)) end(() => resolve(reply));
      });
      // Connected: the kernel drops what comes from elsewhere, and tells when nobody listens there.
      socket.connect(port, address, () => socket.send(query));
    });
  }

  #byStream({ address, port }: NameServer, query: Buffer, accept: (reply: Buffer) => boolean): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, address);
      let received = Buffer.alloc(0);
      const end = (settle: () => void): void => {
        cancelTimer();
        socket.removeAllListeners();
        socket.on('error', () => undefined);
        socket.destroy();
        settle();
      };
      const cancelTimer = startTimer(this.options.clock, attemptDeadlineMs, () => end(() => reject(new Error('no answer'))));
      socket.once('error', (error) => end(() => reject(error)));
      socket.once('close', () => end(() => reject(new Error('it closed the connection'))));
      socket.once('connect', () => socket.write(frameOf(query)));
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (received.length > frameLimit + 2) end(() => reject(new Error('more than one answer')));
        else if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
          const reply = received.subarray(2, 2 + received.readUInt16BE(0));
          end(() => (accept(reply) ? resolve(reply) : reject(new Error('an answer to something else'))));
        }
      });
    });
  }
}

/** A message as it goes by TCP. */
export function frameOf(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
