/**
 * One GET or POST over HTTP with or without TLS: redirects are followed a few times, credentials go nowhere but where they
 * belong, nobody may keep us waiting, and nobody may lead us to services of this machine that is not one itself.
 */
import { lookup as resolveName } from 'node:dns';
import { Agent as PlainAgent, request as requestPlain, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as SecureAgent, request as requestSecure } from 'node:https';
import type { LookupFunction } from 'node:net';
import { WardenError } from 'warden-protocol';
import { startTimer, systemClock } from '../lib/timer.js';
import { isLocalAddress, type Hosts } from './hosts.js';

const redirectsLimit = 5;
/** Connections to one host at a time. */
const socketsLimit = 8;
const userAgent = 'warden/0.1';
/** Less than this, on average of a silence's length, is as good as nothing. */
const leastBytesPerSecond = 256;

export interface TransportOptions {
  readonly hosts: Hosts;
  /** PEM; undefined: Node's own list. */
  readonly ca: readonly string[] | undefined;
  readonly silenceMs: number;
}

export interface Request {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Goes to this host alone, and never along with a redirect to another. */
  readonly authorization?: string | undefined;
  readonly body?: string;
}

export class Transport {
  readonly #options: TransportOptions;
  readonly #plain = new PlainAgent({ keepAlive: true, maxSockets: socketsLimit });
  readonly #secure: SecureAgent;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#secure = new SecureAgent({ keepAlive: true, maxSockets: socketsLimit, ...(options.ca === undefined ? {} : { ca: [...options.ca] }) });
  }

  /**
   * The reply, whatever its status but a redirect; its body has to be read or destroyed.
   * @throws WardenError unavailable, timeout, protocol, permission
   */
  async send(url: URL, request: Request = {}): Promise<IncomingMessage> {
    let at = url;
    let authorization = request.authorization;
    for (let redirects = 0; redirects <= redirectsLimit; redirects++) {
      this.#check(at);
      const reply = await this.#once(at, request, authorization);
      const location = [301, 302, 303, 307, 308].includes(reply.statusCode ?? 0) ? reply.headers.location : undefined;
      if (location === undefined) return reply;
      reply.destroy();
      const next = parseUrl(location, at);
      if (request.method === 'POST') throw new WardenError('protocol', `${at.host} leads a POST elsewhere`);
      if (next.origin !== at.origin) authorization = undefined;
      at = next;
    }
    throw new WardenError('protocol', `${url.host} led to other places more than ${redirectsLimit} times`);
  }

  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  #check(url: URL): void {
    const { hosts } = this.#options;
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new WardenError('protocol', `an address that is neither http nor https: ${printable(url.href)}`);
    if (url.protocol === 'http:' && !hosts.mayBePlain(url)) {
      throw new WardenError('permission', `${url.host} would be spoken to without TLS: only loopback addresses and images.insecure_registries may be`);
    }
    if (isLocalAddress(url.hostname) && !hosts.mayBeLocal(url.hostname)) throw localRefused(url.hostname);
  }

  #once(url: URL, { method = 'GET', headers = {}, body }: Request, authorization: string | undefined): Promise<IncomingMessage> {
    const { hosts, silenceMs } = this.#options;
    const plain = url.protocol === 'http:';
    const options: RequestOptions = {
      method,
      agent: plain ? this.#plain : this.#secure,
      headers: { 'user-agent': userAgent, 'accept-encoding': 'identity', ...headers, ...(authorization === undefined ? {} : { authorization }), ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
      ...(hosts.mayBeLocal(url.hostname) ? {} : { lookup: publicLookup }),
    };
    return new Promise((resolve, reject) => {
      const request = (plain ? requestPlain : requestSecure)(url, options);
      const cancel = startTimer(systemClock, silenceMs, () => request.destroy(silent(url.host, silenceMs)));
      request.once('response', (reply) => {
        cancel();
        resolve(reply);
      });
      request.once('error', (error) => {
        cancel();
        reject(networkError(url.host, error));
      });
      request.end(body);
    });
  }

  /** The body piece by piece. @throws WardenError timeout, unavailable when it breaks off */
  async *body(reply: IncomingMessage, host: string): AsyncGenerator<Buffer, void, void> {
    const { silenceMs } = this.#options;
    let received = 0;
    const least = (silenceMs / 1000) * leastBytesPerSecond;
    let cancel = (): void => undefined;
    const watch = (): void => {
      const before = received;
      cancel = startTimer(systemClock, silenceMs, () => {
        if (received - before < least) reply.destroy(silent(host, silenceMs));
        else watch();
      });
    };
    watch();
    try {
      for await (const chunk of reply) {
        received += (chunk as Buffer).length;
        yield chunk as Buffer;
      }
      if (!reply.complete) throw new WardenError('unavailable', `${host}: the connection broke off`);
    } catch (error) {
      throw networkError(host, error);
    } finally {
      cancel();
      reply.destroy();
    }
  }

  /** A whole body that is to be short. @throws WardenError protocol when it is longer */
  async bytes(reply: IncomingMessage, host: string, limitInBytes: number, what: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.body(reply, host)) {
      length += chunk.length;
      if (length > limitInBytes) throw new WardenError('protocol', `${host}: ${what} is longer than ${limitInBytes} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, length);
  }
}

/** @throws WardenError protocol */
export function parseUrl(text: string, base?: URL): URL {
  try {
    const url = new URL(text, base);
    if (url.username !== '' || url.password !== '') throw new WardenError('protocol', `an address with credentials in it, on ${url.host}`);
    return url;
  } catch (error) {
    if (error instanceof WardenError) throw error;
    throw new WardenError('protocol', `${printable(text)} is no address`, { cause: error });
  }
}

/** What strangers say, for an error's text. */
export function printable(text: string): string {
  return JSON.stringify(text.slice(0, 200).replace(/[\p{Cc}\p{Cf}]/gu, '?'));
}

/** Resolves names, but never to addresses of the machine's own. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolveName(hostname, { ...options, all: true }, (error, addresses) => {
    const found = addresses ?? [];
    const fit = found.filter(({ address }) => !isLocalAddress(address));
    const failure = error ?? (fit.length === 0 ? localRefused(hostname) : null);
    if (failure !== null) callback(failure, '', 4);
    else if (options.all === true) callback(null, fit);
    else callback(null, fit[0]?.address ?? '', fit[0]?.family ?? 4);
  });
};

function localRefused(hostname: string): WardenError {
  return new WardenError('permission', `the registry leads to ${printable(hostname)}, an address of this machine's own`);
}

function silent(host: string, silenceMs: number): WardenError {
  return new WardenError('timeout', `${host} said too little for ${silenceMs / 1000} s (images.pull_timeout)`);
}

/** Whether a host that should speak TLS seems to speak something else. */
export function speaksNoTls(error: unknown): boolean {
  const code = codeOf(error instanceof WardenError ? error.cause : error);
  return code === 'EPROTO' || code === 'ECONNRESET' || code.startsWith('ERR_SSL_');
}

const certificateCodes = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS_CERT/;

function networkError(host: string, error: unknown): WardenError {
  if (error instanceof WardenError) return error;
  const code = codeOf(error);
  if (certificateCodes.test(code)) {
    return new WardenError('permission', `${host}: its certificate is not trusted (${code}): give its authority's certificate in images.registry_ca`, { cause: error });
  }
  const reason = code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 'no such host is known' : code === 'ECONNREFUSED' ? 'nobody listens there' : error instanceof Error ? error.message : String(error);
  return new WardenError('unavailable', `registry ${host} cannot be reached: ${reason}`, { cause: error });
}

function codeOf(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return typeof code === 'string' ? code : '';
}
