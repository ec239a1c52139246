/* A token service as registries name one (distribution, spec/auth/token): who knows the password, or has a refresh token, gets a signed token for what it asks for. */
import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificate.js';

export interface TokenServiceOptions {
  /** It signs with its key; the registry trusts it. */
  readonly certificate: Certificate;
  /** The value of a header that gets tokens. */
  readonly authorization: string;
  readonly refreshToken: string;
}

const issuer = 'of the test';
const service = 'registry of the test';
const base64 = (data: Buffer | string): string => Buffer.from(data).toString('base64url');

export class TokenService {
  /** What was asked for, in order: method, account and scope. */
  readonly asked: { readonly method: string; readonly account: string | null; readonly scope: string | null }[] = [];
  /** Of the tokens that are given out from now on; negative: they were over before they began. */
  lifeInSeconds = 300;
  readonly #server: Server;
  readonly #options: TokenServiceOptions;

  private constructor(server: Server, options: TokenServiceOptions) {
    this.#server = server;
    this.#options = options;
    server.on('request', (request: IncomingMessage, reply: ServerResponse) => void this.#answer(request, reply));
  }

  static async open(options: TokenServiceOptions): Promise<TokenService> {
    const server = createServer();
    const opened = new TokenService(server, options);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return opened;
  }

  /** The `auth` section of a registry's configuration. */
  get auth(): object {
    const realm = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`;
    return { token: { realm, service, issuer, rootcertbundle: this.#options.certificate.certificate } };
  }

  /** @param actions `pull`, `pull,push` */
  token(repository: string, actions: string): string {
    const { certificate, key } = this.#options.certificate;
    const now = Math.floor(Date.now() / 1000);
    const header = { typ: 'JWT', alg: 'ES256', x5c: [new X509Certificate(readFileSync(certificate)).raw.toString('base64')] };
    const times = { iat: now - 600, nbf: now - 600, exp: now + this.lifeInSeconds };
    const claims = { iss: issuer, sub: 'alice', aud: service, ...times, jti: randomUUID(), access: [{ type: 'repository', name: repository, actions: actions.split(',') }] };
    const signed = `${base64(JSON.stringify(header))}.${base64(JSON.stringify(claims))}`;
    return `${signed}.${base64(sign('sha256', Buffer.from(signed), { key: createPrivateKey(readFileSync(key)), dsaEncoding: 'ieee-p1363' }))}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const fields = request.method === 'POST' ? new URLSearchParams(body) : new URL(request.url ?? '/', 'http://localhost').searchParams;
    const scope = fields.get('scope');
    this.asked.push({ method: request.method ?? '', account: fields.get('account'), scope });
    const knows = request.method === 'POST' ? fields.get('refresh_token') === this.#options.refreshToken : request.headers.authorization === this.#options.authorization;
    const [, repository = '', actions = ''] = (scope ?? '').split(':');
    reply.writeHead(knows ? 200 : 401, { 'content-type': 'application/json' });
    reply.end(JSON.stringify(knows ? { [request.method === 'POST' ? 'access_token' : 'token']: this.token(repository, actions) } : { details: 'who are you' }));
  }
}
