/**
 * HTTP on loopback, for whoever watches the server: that it lives (/healthz, and every path that is not one of these, as the old
 * server answered), that it takes requests (/readyz), and figures in the text format of Prometheus (/metrics).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { WardenError } from 'warden-protocol';

const address = '127.0.0.1';
/** A probe sends one short request. */
const requestTimeoutMs = 5000;

export interface HealthServerOptions {
  readonly port: number;
  /** Why the server takes no requests at this moment; undefined: it does. */
  readonly unready: () => string | undefined;
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
}

export class HealthServer {
  readonly #server: Server;
  /** The text that is being made: scrapers that come at once share it. */
  #rendering: Promise<string> | undefined;

  constructor(private readonly options: HealthServerOptions) {
    this.#server = createServer({ requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs, keepAliveTimeout: 1000 }, (request, response) => void this.#answer(request, response));
    this.#server.maxConnections = 64;
  }

  /** @throws WardenError unavailable when the port is taken */
  listen(): Promise<void> {
    const { port } = this.options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(new WardenError('unavailable', `the health check cannot listen on ${address}:${port}: ${error.message}; set health_check_server.port to another port, or to 0 for none`)),
      );
      this.#server.listen(port, address, () => resolve());
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer({ method, url = '/' }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (method !== 'GET' && method !== 'HEAD') return answerText(response, 405, 'only GET and HEAD\n');
    switch (url.split('?', 1)[0]) {
      case '/readyz': {
        const reason = this.options.unready();
        return reason === undefined ? answerText(response, 200, 'ready\n') : answerText(response, 503, `${reason}\n`);
      }
      case '/metrics':
        try {
          this.#rendering ??= this.options.metrics.render().finally(() => {
            this.#rendering = undefined;
          });
          return answerText(response, 200, await this.#rendering, this.options.metrics.contentType);
        } catch (error) {
          return answerText(response, 500, `the figures could not be read: ${error instanceof Error ? error.message : String(error)}\n`);
        }
      default:
        return answerText(response, 200, 'ok\n');
    }
  }
}

function answerText(response: ServerResponse, status: number, text: string, contentType = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store' }).end(text);
}
