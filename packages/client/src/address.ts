// Where a warden server listens.
import { WardenError } from 'warden-protocol';

/** A unix socket by its path, or a TCP port. */
export type Address = { readonly path: string } | { readonly host: string; readonly port: number };

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
 * An address as people write it: a path, `unix:PATH`, or `tcp:HOST:PORT`. Throws invalid_argument for text that is neither.
 * Without one, $WARDEN_SOCKET counts, then the default path.
 */
export function addressOf(address: Address | string | undefined): Address {
  if (address === undefined) return addressOf(process.env['WARDEN_SOCKET'] || DEFAULT_SOCKET_PATH);
  if (typeof address !== 'string') return address;
  if (address.startsWith('unix:')) return { path: address.slice('unix:'.length) };
  if (!address.startsWith('tcp:')) return { path: address };
  const match = /^tcp:(?:\/\/)?(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) throw new WardenError('invalid_argument', `an address is a path, unix:PATH or tcp:HOST:PORT, not ${JSON.stringify(address)}`);
  return { host, port: Number(match?.[3]) };
}
