/* The requests of docker's API that are measured, on one connection after the other's answer. */
import { createReadStream } from 'node:fs';
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

const REQUEST_MS = 60_000;

/** Of an answer that is no success, what the daemon says. */
export function refusal(method: string, path: string, status: number, body: string): Error {
  let message = body.trim();
  try {
    ({ message } = JSON.parse(body) as { message: string });
  } catch {
    // Not everything that answers is the daemon: the text itself then.
  }
  return new Error(`${method} ${path}: ${status} ${message}`);
}

export class DockerApi {
  readonly #socketPath: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  async #send(method: string, path: string, body: object | string | undefined): Promise<string> {
    const json = typeof body === 'object' ? JSON.stringify(body) : undefined;
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request({
        socketPath: this.#socketPath, agent: this.#agent, method, path, signal: AbortSignal.timeout(REQUEST_MS),
        headers: json === undefined ? typeof body === 'string' ? { 'content-type': 'application/x-tar' } : {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) },
      }, resolve);
      sent.once('error', reject);
      if (typeof body === 'string') createReadStream(body).once('error', reject).pipe(sent);
      else sent.end(json);
    });
    const content = await text(answer);
    if ((answer.statusCode ?? 500) >= 300) throw refusal(method, path, answer.statusCode ?? 0, content);
    return content;
  }

  async get(path: string): Promise<string> {
    return await this.#send('GET', path, undefined);
  }

  async post(path: string, body?: object): Promise<string> {
    return await this.#send('POST', path, body ?? {});
  }

  /** With a file as body. */
  async upload(path: string, file: string): Promise<string> {
    return await this.#send('POST', path, file);
  }

  async delete(path: string): Promise<string> {
    return await this.#send('DELETE', path, undefined);
  }

  close(): void {
    this.#agent.destroy();
  }
}
