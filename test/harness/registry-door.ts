/* What stands between a daemon and a registry: it sees every request, and may answer or break off itself. */
import { createServer, request as send, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export class RegistryDoor {
  readonly requests: { readonly url: string; readonly range: string | undefined; readonly authorization: string | undefined }[] = [];
  /** Answers in place of the registry; false: it did not. */
  answer: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  /** Bytes of a blob after which the connection breaks off; undefined: never. */
  breakAfterInBytes: number | undefined;
  /** Bytes of a blob after which nothing more comes, and the connection stays open; undefined: never. */
  holdAfterInBytes: number | undefined;
  readonly #server: Server;

  private constructor(private readonly port: number) {
    this.#server = createServer((request, response) => this.#pass(request, response));
  }

  /** @param port of the registry, on 127.0.0.1 */
  static async open(port: number): Promise<RegistryDoor> {
    const door = new RegistryDoor(port);
    await new Promise<void>((resolve) => { door.#server.listen(0, '127.0.0.1', resolve); });
    return door;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Blobs that were asked for, with the byte each began at. */
  blobs(): string[] {
    return this.requests.filter(({ url }) => url.includes('/blobs/')).map(({ url, range }) => `${url.split('/').at(-1)?.slice(7, 15) ?? ''} ${range ?? ''}`.trim());
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => { this.#server.close(resolve); });
    this.#server.closeAllConnections();
    await closed;
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const { url = '', method, headers } = request;
    this.requests.push({ url, range: headers.range, authorization: headers.authorization });
    if (this.answer(request, response)) return;
    const onwards = send({ host: '127.0.0.1', port: this.port, path: url, method, headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 500, reply.headers);
      const holds = this.holdAfterInBytes !== undefined;
      let left = url.includes('/blobs/') ? this.holdAfterInBytes ?? this.breakAfterInBytes : undefined;
      reply.on('data', (chunk: Buffer) => {
        if (left === undefined) response.write(chunk);
        else if (chunk.length < left) {
          left -= chunk.length;
          response.write(chunk);
        } else {
          response.write(chunk.subarray(0, left), () => { if (!holds) response.destroy(); });
          reply.destroy();
        }
      });
      reply.once('end', () => response.end());
      reply.once('error', () => { if (!holds) response.destroy(); });
    });
    onwards.once('error', () => response.destroy());
    request.pipe(onwards);
  }
}
