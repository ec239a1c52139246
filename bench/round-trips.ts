/* Round trips of one fixed message over a unix socket, with as little of a client as possible: bytes are counted, not decoded. */
import { once } from 'node:events';
import net from 'node:net';

export class RoundTrips {
  readonly #socket: net.Socket;
  readonly #message: Uint8Array;
  readonly #replyLength: number;
  #received = 0;
  #onBytes: () => void = () => {};

  private constructor(socket: net.Socket, message: Uint8Array, replyLength: number) {
    this.#socket = socket;
    this.#message = message;
    this.#replyLength = replyLength;
  }

  static async connect(path: string, message: Uint8Array, replyLength: number): Promise<RoundTrips> {
    let trips: RoundTrips | undefined;
    const callback = (bytes: number): boolean => {
      trips?.receive(bytes);
      return true;
    };
    const socket = net.connect({ path, onread: { buffer: Buffer.allocUnsafeSlow(64 * 1024), callback } });
    await once(socket, 'connect');
    trips = new RoundTrips(socket, message, replyLength);
    return trips;
  }

  private receive(bytes: number): void {
    this.#received += bytes;
    this.#onBytes();
  }

  /** Keeps `depth` requests under way, each written by itself, for so long. @returns round trips per second */
  perSecond(depth: number, milliseconds: number): Promise<number> {
    this.#received = 0;
    let sent = 0;
    const begin = performance.now();
    return new Promise((resolve, reject) => {
      this.#socket.once('close', () => reject(new Error('the server closed the connection')));
      const send = (answered: number): void => {
        for (; sent < answered + depth; sent++) this.#socket.write(this.#message);
      };
      this.#onBytes = () => {
        const answered = Math.floor(this.#received / this.#replyLength);
        const elapsed = performance.now() - begin;
        if (elapsed < milliseconds) send(answered);
        else if (answered === sent) {
          this.#socket.removeAllListeners('close');
          resolve(answered / (elapsed / 1000));
        }
      };
      send(0);
    });
  }

  close(): void { this.#socket.destroy(); }
}
