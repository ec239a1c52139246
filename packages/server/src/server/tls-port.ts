/**
 * The TCP port of the server: TLS 1.3, and only for clients that show a certificate of the configured authority. Who shows none, or
 * another, is refused before a byte of the protocol is read, with one line of the log.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { WardenError } from 'warden-protocol';
import type { Log } from '../lib/log.js';
import type { Clock } from '../lib/timer.js';
import { RefusedPeers } from './refused-peers.js';

/** Between a connection and the end of its handshake. */
const handshakeTimeoutMs = 10_000;

/** Of a name that goes into the log. */
const nameCharacters = 128;

/** Files in PEM. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** Certificates of the authorities that may have signed a client's. */
  readonly clientCa: string;
}

export interface TlsPortOptions {
  readonly host: string;
  readonly port: number;
  readonly files: TlsFiles;
  readonly maxConnections: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** @param peer the address, and the name in the certificate */
  readonly accept: (socket: Socket, peer: string) => void;
}

export class TlsPort {
  readonly #server: Server;
  readonly #refused: RefusedPeers;

  /** @throws WardenError invalid_argument naming the key of a file that cannot be used */
  constructor(private readonly options: TlsPortOptions) {
    const { files, maxConnections, clock, log, accept } = options;
    this.#refused = new RefusedPeers({ clock, log });
    this.#server = createServer({ ...contextOf(files), requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3', handshakeTimeout: handshakeTimeoutMs }, (socket: TLSSocket) => {
      // A client may send no more and still read, as at the unix socket; one that goes during the handshake has gone.
      socket.allowHalfOpen = true;
      socket.setNoDelay(true);
      accept(socket, `${socket.remoteAddress ?? ''} ${nameIn(socket)}`.trim());
    });
    if (maxConnections !== undefined) this.#server.maxConnections = maxConnections;
    this.#server.on('drop', (data) => this.#refused.note({ peer: data?.remoteAddress, limit: maxConnections }, 'a connection was refused: too many are open'));
    this.#server.on('tlsClientError', (error, socket) => this.#refused.note({ peer: socket.remoteAddress, reason: error.message }, 'a peer was refused at the TLS port'));
  }

  /** @throws WardenError unavailable when the port is taken or the address is not of this machine */
  listen(): Promise<void> {
    const { host, port, log } = this.options;
    return new Promise((resolve, reject) => {
      const refuse = (error: Error): void => reject(new WardenError('unavailable', `server.tls: cannot listen on ${host}:${port}: ${error.message}; set server.tls.address`, { cause: error }));
      this.#server.once('error', refuse);
      this.#server.listen({ host, port }, () => {
        this.#server.removeListener('error', refuse);
        this.#server.on('error', (error) => log.error({ err: error }, 'the TLS port failed'));
        resolve();
      });
    });
  }

  /** The files are read again; connections that there are go on with what they have. @throws WardenError: the old ones stay */
  reload(): void {
    this.#server.setSecureContext(contextOf(this.options.files));
  }

  close(): void {
    this.#refused.stop();
    this.#server.close();
  }
}

/** The common name of a peer's certificate; the text is whatever its authority has signed. */
function nameIn(socket: TLSSocket): string {
  const { CN: name } = socket.getPeerCertificate().subject ?? {};
  return (Array.isArray(name) ? name.join() : name ?? '').slice(0, nameCharacters);
}

function contextOf({ certificate, key, clientCa }: TlsFiles): { cert: string; key: string; ca: string } {
  return { cert: read('certificate', certificate), key: read('key', key), ca: read('client_ca', clientCa) };
}

function read(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new WardenError('invalid_argument', `server.tls.${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
