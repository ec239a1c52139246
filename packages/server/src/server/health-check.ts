/** Answers HTTP 200 on loopback while the server serves. */
import { createServer, type Server } from 'node:http';
import { WardenError } from 'warden-protocol';

const address = '127.0.0.1';
/** A probe sends one short request. */
const requestTimeoutMs = 5000;

export class HealthCheck {
  readonly #server: Server;

  constructor(private readonly port: number) {
    this.#server = createServer({ requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs, keepAliveTimeout: 1000 }, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
    });
    this.#server.maxConnections = 64;
  }

  /** @throws WardenError unavailable when the port is taken */
  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(new WardenError('unavailable', `the health check cannot listen on ${address}:${this.port}: ${error.message}; set health_check_server.port to another port, or to 0 for none`)),
      );
      this.#server.listen(this.port, address, () => resolve());
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
