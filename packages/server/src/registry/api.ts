/** The registry's API, as far as pulling needs it (distribution, spec/api: version 2). */
import type { IncomingMessage } from 'node:http';
import { WardenError } from 'warden-protocol';
import { Authorization, type Credentials } from './authorization.js';
import type { Hosts } from './hosts.js';
import { printable, speaksNoTls, type Transport } from './transport.js';

const errorReplyLimitInBytes = 16 * 1024;

/** A failure that another try may not have. */
export class Transient extends WardenError {
  override readonly name = 'Transient';
}

export interface ApiOptions {
  /** HOST or HOST:PORT. */
  readonly host: string;
  readonly repository: string;
  readonly credentials: Credentials;
  readonly transport: Transport;
  readonly hosts: Hosts;
}

export class RegistryApi {
  readonly host: string;
  readonly transport: Transport;
  readonly #repository: string;
  readonly #hosts: Hosts;
  readonly #authorization: Authorization;
  #base: Promise<URL> | undefined;

  constructor({ host, repository, credentials, transport, hosts }: ApiOptions) {
    this.host = host;
    this.transport = transport;
    this.#repository = repository;
    this.#hosts = hosts;
    this.#authorization = new Authorization(transport, credentials, repository);
  }

  /**
   * @param path below the repository: `manifests/latest`
   * @returns a reply with one of the statuses; its body has to be read or destroyed
   * @throws WardenError not_found, permission, unavailable, timeout, protocol
   */
  async get(path: string, headers: Readonly<Record<string, string>>, statuses: readonly number[]): Promise<IncomingMessage> {
    const url = new URL(`v2/${this.#repository}/${path}`, await (this.#base ??= this.#findBase()));
    let reply = await this.transport.send(url, { headers, authorization: this.#authorization.header });
    if (reply.statusCode === 401) {
      // A token may also have become too old.
      reply.destroy();
      await this.#authorization.answer(this.host, reply.headers['www-authenticate']);
      reply = await this.transport.send(url, { headers, authorization: this.#authorization.header });
    }
    if (statuses.includes(reply.statusCode ?? 0)) return reply;
    throw await this.#failure(reply, path);
  }

  /** With TLS, unless this host may do without and does not speak it. */
  async #findBase(): Promise<URL> {
    const secure = new URL(`https://${this.host}/`);
    if (!this.#hosts.mayBePlain(secure)) return secure;
    try {
      (await this.transport.send(new URL('v2/', secure))).destroy();
      return secure;
    } catch (error) {
      if (speaksNoTls(error)) return new URL(`http://${this.host}/`);
      throw error;
    }
  }

  async #failure(reply: IncomingMessage, path: string): Promise<WardenError> {
    const { statusCode = 0 } = reply;
    const said = await this.#said(reply);
    const what = `registry ${this.host}: ${this.#repository}, ${path.replace('/', ' ')}`;
    if (statusCode === 401 || statusCode === 403) {
      return new WardenError('permission', `${what}: refused${this.#authorization.isAnonymous ? ' without credentials' : ' with these credentials'}${said}`);
    }
    if (statusCode === 404) return new WardenError('not_found', `${what}: not found there${said}`);
    if (statusCode >= 500) return new Transient('unavailable', `${what}: the registry answered ${statusCode}${said}`);
    return new WardenError('unavailable', `${what}: the registry answered ${statusCode}${said}`);
  }

  /** The first of the errors in a reply of the registry's own; what other hosts say is nobody's business. */
  async #said(reply: IncomingMessage): Promise<string> {
    try {
      const body = await this.transport.bytes(reply, this.host, errorReplyLimitInBytes, 'an error');
      const { errors } = JSON.parse(body.toString('utf8')) as { errors?: unknown };
      const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
      if (typeof first !== 'object' || first === null || !('code' in first) || typeof first.code !== 'string') return '';
      return `: ${printable('message' in first && typeof first.message === 'string' ? `${first.code}: ${first.message}` : first.code)}`;
    } catch {
      return '';
    }
  }
}
