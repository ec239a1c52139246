/**
 * The sockets that containers' questions are redirected to, one for UDP and one for TCP on the same port, on every address: the
 * firewall lets nothing else reach them. Who is no client gets no answer. What a client sends is limited before it is looked at.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { parseIpv4Address } from '../lib/ipv4.js';
import { startTimer, type Clock } from '../lib/timer.js';
import type { Answering } from './answering.js';
import type { Client, Clients } from './clients.js';
import { frameOf } from './upstream.js';

/** A question is a name and little else. */
const queryLimit = 4096;
const connectionLimit = 512;
const connectionsOfClientLimit = 8;
const idleDeadlineMs = 10_000;
/** Another port is tried when one is free for UDP and taken for TCP. */
const portAttempts = 20;

export interface ListeningOptions {
  readonly clients: Clients;
  readonly answering: Answering;
  readonly clock: Clock;
  /** Where the sockets are; all addresses unless given. */
  readonly address?: string;
}

export class Listening {
  readonly #connections = new Map<Client, number>();

  private constructor(
    private readonly options: ListeningOptions,
    private readonly udp: dgram.Socket,
    private readonly tcp: Server,
  ) {
    udp.on('message', (message, { address, port }) => void this.#datagram(message, address, port));
    // A client that is gone; nothing else comes here.
    udp.on('error', () => undefined);
    tcp.maxConnections = connectionLimit;
    tcp.on('connection', (socket) => void this.#connection(socket));
  }

  /** @param wanted a port that is taken when it is free; 0: any */
  static async open(options: ListeningOptions, wanted: number): Promise<Listening> {
    for (let attempt = 1; ; attempt++) {
      const udp = dgram.createSocket({ type: 'udp4' });
      const tcp = createServer();
      try {
        const { address = '0.0.0.0' } = options;
        udp.bind(attempt === 1 ? wanted : 0, address);
        await once(udp, 'listening');
        tcp.listen(udp.address().port, address);
        await once(tcp, 'listening');
        return new Listening(options, udp, tcp);
      } catch (error) {
        close(udp);
        tcp.close();
        if (attempt === portAttempts) throw error;
      }
    }
  }

  get port(): number {
    return (this.tcp.address() as AddressInfo).port;
  }

  close(): void {
    close(this.udp);
    this.tcp.close();
  }

  #clientAt(address: string | undefined): Client | undefined {
    const parsed = address === undefined ? undefined : parseIpv4Address(address);
    return parsed === undefined ? undefined : this.options.clients.at(parsed);
  }

  async #datagram(message: Buffer, address: string, port: number): Promise<void> {
    const client = message.length > queryLimit ? undefined : this.#clientAt(address);
    if (client === undefined) return;
    const reply = await client.answering(() => this.options.answering.answer(client, message, 'udp'));
    if (reply !== undefined) this.udp.send(reply, port, address, () => undefined);
  }

  async #connection(socket: Socket): Promise<void> {
    socket.on('error', () => undefined);
    const client = this.#clientAt(socket.remoteAddress);
    const count = client === undefined ? 0 : (this.#connections.get(client) ?? 0);
    if (client === undefined || count >= connectionsOfClientLimit) {
      socket.destroy();
      return;
    }
    this.#connections.set(client, count + 1);
    socket.once('close', () => {
      const left = (this.#connections.get(client) ?? 1) - 1;
      if (left === 0) this.#connections.delete(client);
      else this.#connections.set(client, left);
    });
    await this.#serve(client, socket).catch(() => undefined);
    socket.destroy();
  }

  /** One question after the other, each within the deadline: who is slow to write or to read loses its connection. */
  async #serve(client: Client, socket: Socket): Promise<void> {
    let received = Buffer.alloc(0);
    const { clock, answering } = this.options;
    let cancelTimer = startTimer(clock, idleDeadlineMs, () => socket.destroy());
    try {
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        received = Buffer.concat([received, chunk]);
        while (received.length >= 2) {
          const length = received.readUInt16BE(0);
          if (length > queryLimit) return;
          if (received.length < 2 + length) break;
          const message = Buffer.from(received.subarray(2, 2 + length));
          received = received.subarray(2 + length);
          const reply = await client.answering(() => answering.answer(client, message, 'tcp'));
          if (reply === undefined) return;
          if (!socket.write(frameOf(reply))) await once(socket, 'drain');
          cancelTimer();
          cancelTimer = startTimer(clock, idleDeadlineMs, () => socket.destroy());
        }
      }
    } finally {
      cancelTimer();
    }
  }
}

function close(socket: dgram.Socket): void {
  try {
    socket.close();
  } catch {
    // It never was open.
  }
}
