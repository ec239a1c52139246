// Where a warden server listens.
import { readFileSync } from 'node:fs';
import { WardenError } from 'warden-protocol';

/** A unix socket by its path, or a TCP port, with TLS where the server wants to know who its clients are. */
export type Address = { readonly path: string } | { readonly host: string; readonly port: number; readonly tls?: TlsCredentials };

/** In PEM: whom the client trusts, and how it shows who it is. */
export interface TlsCredentials {
  /** Certificates of the authorities that may have signed the server's. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** The name in the server's certificate, when it is not the host that is connected to. */
  readonly serverName?: string;
}

/** The socket a server listens on unless configured otherwise. */
export const DEFAULT_SOCKET_PATH = '/run/warden/warden.sock';

/** The longest path the kernel takes for a unix socket, in bytes: sun_path of unix(7), less its terminator. */
const MAX_SOCKET_PATH_LENGTH = 107;

export function describeAddress(address: Address): string {
  return 'path' in address ? address.path : `${address.host}:${address.port}`;
}

/** Throws invalid_argument for an address nothing can listen on. */
export function checkAddress(address: Address): void {
  if (!('path' in address)) {
    if (!Number.isInteger(address.port) || address.port < 1 || address.port > 65535) {
      throw new WardenError('invalid_argument', `port must be an integer from 1 to 65535, not ${address.port}`);
    }
    return;
  }
  const length = Buffer.byteLength(address.path);
  if (length === 0 || length > MAX_SOCKET_PATH_LENGTH || address.path.includes('\0')) {
    throw new WardenError('invalid_argument', `a socket path has 1 to ${MAX_SOCKET_PATH_LENGTH} bytes and no NUL: ${JSON.stringify(address.path)} does not`);
  }
}

/** A failed connect in one sentence, with what to do about it. */
export function connectError(address: Address, cause: NodeJS.ErrnoException): WardenError {
  const where = describeAddress(address);
  switch (cause.code) {
    case 'ENOENT': return new WardenError('unavailable', `no warden server at ${where}: there is no such socket; is wardend running?`, { cause });
    case 'ECONNREFUSED': return new WardenError('unavailable', `no warden server at ${where}: nobody listens there; is wardend running?`, { cause });
    case 'EACCES': return new WardenError('permission', `no permission to use the warden server at ${where}: run as root or as a member of the socket's group`, { cause });
    default: return new WardenError('unavailable', `cannot connect to the warden server at ${where}: ${cause.message}`, { cause });
  }
}

/**
 * An address as people write it: a path, `unix:PATH`, `tcp:HOST:PORT`, or `tls:HOST:PORT` with the files that $WARDEN_TLS_CA, $WARDEN_TLS_CERT
 * and $WARDEN_TLS_KEY name. Throws invalid_argument for text that is none of them.
 * Without one, $WARDEN_SOCKET counts, then the default path.
 */
export function addressOf(address: Address | string | undefined, environment: Readonly<Record<string, string | undefined>> = process.env): Address {
  if (address === undefined) return addressOf(environment['WARDEN_SOCKET'] || DEFAULT_SOCKET_PATH, environment);
  if (typeof address !== 'string') return address;
  if (address.startsWith('unix:')) return { path: address.slice('unix:'.length) };
  if (!/^t(?:cp|ls):/.test(address)) return { path: address };
  const match = /^(tcp|tls):(?:\/\/)?(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const host = match?.[2] ?? match?.[3];
  if (host === undefined) throw new WardenError('invalid_argument', `an address is a path, unix:PATH, tcp:HOST:PORT or tls:HOST:PORT, not ${JSON.stringify(address)}`);
  const port = Number(match?.[4]);
  return match?.[1] === 'tls' ? { host, port, tls: credentialsOf(environment) } : { host, port };
}

function credentialsOf(environment: Readonly<Record<string, string | undefined>>): TlsCredentials {
  const read = (name: string): string => {
    const path = environment[name];
    if (path === undefined || path === '') throw new WardenError('invalid_argument', `tls:HOST:PORT needs the files that WARDEN_TLS_CA, WARDEN_TLS_CERT and WARDEN_TLS_KEY name: ${name} is not set`);
    try {
      return readFileSync(path, 'utf8');
    } catch (cause) {
      throw new WardenError('invalid_argument', `${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  };
  return { ca: read('WARDEN_TLS_CA'), certificate: read('WARDEN_TLS_CERT'), key: read('WARDEN_TLS_KEY') };
}
