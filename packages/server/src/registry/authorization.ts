/** Says to a registry who we are: basic authentication, or a token of the service that the registry names (distribution, spec/auth). */
import { WardenError } from 'warden-protocol';
import { z } from '../lib/zod.js';
import { parseChallenges, type Challenge } from './challenges.js';
import { parseUrl, type Transport } from './transport.js';

const tokenReplyLimitInBytes = 256 * 1024;
const clientId = 'warden';
const tokenReply = z.object({ token: z.string().optional(), access_token: z.string().optional() });

export interface Credentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly identityToken?: string | undefined;
}

export class Authorization {
  /** The header's value, once the registry has asked for one. */
  header: string | undefined;
  readonly #transport: Transport;
  readonly #credentials: Credentials;
  readonly #scope: string;

  constructor(transport: Transport, credentials: Credentials, repository: string) {
    this.#transport = transport;
    this.#credentials = credentials;
    this.#scope = `repository:${repository}:pull`;
  }

  /** Whether there is anything to say who we are. */
  get isAnonymous(): boolean {
    const { username, password, identityToken } = this.#credentials;
    return identityToken === undefined && (username === undefined || password === undefined);
  }

  /**
   * Answers a registry that has refused a request.
   * @throws WardenError permission when it asks for what we do not have
   */
  async answer(host: string, wwwAuthenticate: string | undefined): Promise<void> {
    const challenges = parseChallenges(wwwAuthenticate ?? '');
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'));
    const basic = challenges.find(({ scheme }) => scheme === 'basic');
    if (bearer !== undefined) this.header = `Bearer ${await this.#token(host, bearer)}`;
    else if (basic !== undefined && this.#basic !== undefined) this.header = this.#basic;
    else throw new WardenError('permission', `registry ${host} refuses: ${basic === undefined ? 'it asks for an authentication that is not known here' : 'it asks for a user name and a password'}`);
  }

  get #basic(): string | undefined {
    const { username, password } = this.#credentials;
    return username === undefined || password === undefined ? undefined : `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  async #token(host: string, { parameters }: Challenge): Promise<string> {
    const url = parseUrl(parameters.get('realm') ?? '', new URL(`https://${host}`));
    const service = parameters.get('service');
    const fields = new URLSearchParams({ ...(service === undefined ? {} : { service }), scope: this.#scope });
    const { identityToken, username } = this.#credentials;
    const reply = await (identityToken === undefined ? this.#askForToken(url, fields, username) : this.#exchange(url, fields, identityToken));
    const { statusCode } = reply;
    const body = await this.#transport.bytes(reply, url.host, tokenReplyLimitInBytes, 'the reply of its token service');
    if (statusCode === 401 || statusCode === 403) throw new WardenError('permission', `registry ${host} refuses: its token service ${url.host} does not accept ${this.isAnonymous ? 'anonymous requests' : 'these credentials'}`);
    if (statusCode !== 200) throw new WardenError('unavailable', `the token service ${url.host} of registry ${host} answered ${statusCode}`);
    const token = readToken(body);
    if (token === undefined) throw new WardenError('protocol', `the token service ${url.host} of registry ${host} sent no token`);
    return token;
  }

  #askForToken(url: URL, fields: URLSearchParams, account: string | undefined) {
    if (account !== undefined) fields.set('account', account);
    for (const [name, value] of fields) url.searchParams.set(name, value);
    return this.#transport.send(url, { authorization: this.#basic });
  }

  #exchange(url: URL, fields: URLSearchParams, identityToken: string) {
    const form = new URLSearchParams([...fields, ['grant_type', 'refresh_token'], ['client_id', clientId], ['refresh_token', identityToken]]);
    return this.#transport.send(url, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() });
  }
}

/** What may stand in a header (RFC 6750, 2.1, and what is seen in the wild). */
function readToken(body: Buffer): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  const checked = tokenReply.safeParse(value);
  const token = checked.success ? (checked.data.token ?? checked.data.access_token) : undefined;
  return token !== undefined && /^[\x21-\x7e]+$/.test(token) ? token : undefined;
}
