/**
 * Names on the machine that one wardend at a time may use: its nftables tables, its parent cgroup. Each is claimed by a unix
 * socket in the abstract namespace, which needs no file, is the network namespace's own as nftables' tables are, and vanishes
 * with the process however that ends: unix(7). Whoever connects is told who holds the name.
 */
import { createHash } from 'node:crypto';
import { createConnection, createServer } from 'node:net';
import { WardenError } from 'warden-protocol';

const answerDeadlineMs = 1000;
const answerLimit = 4096;

export interface Claim {
  /** Part of the socket's name, for example "table warden". */
  readonly name: string;
  /** What it is called in the refusal. */
  readonly what: string;
  /** The configuration's key that chooses another. */
  readonly key: string;
}

/** struct sockaddr_un has room for so much. Node 20 fills an abstract name up to it with zeros and later ones do not: filled here, it is one name for all of them. */
const nameBytes = 108;

/**
 * Claims a name until the process ends or the claim is given back.
 * @param holder what others are told about this server: one line
 * @throws WardenError exists when another server holds it, naming that
 * @returns gives the name back
 */
export function claimName({ name, what, key }: Claim, holder: string): Promise<() => void> {
  const path = socketName(name);
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(holder);
    });
    // Requests of other servers do not keep this one alive.
    server.unref();
    server.once('error', (error) => {
      if (!('code' in error) || error.code !== 'EADDRINUSE') {
        reject(new WardenError('internal', `cannot claim ${what}: ${error.message}`, { cause: error }));
        return;
      }
      void askHolder(path).then((other) => reject(new WardenError('exists', `another wardend (${other}) uses ${what}: stop it or set ${key}`)));
    });
    server.listen({ path }, () => resolve(() => server.close()));
  });
}

/** A longer one would be cut off, and be the same as another that begins like it. */
function socketName(name: string): string {
  const whole = `\0warden-${name}`;
  const short = Buffer.byteLength(whole) < nameBytes ? whole : `\0warden-${createHash('sha256').update(name).digest('hex')}`;
  return short + '\0'.repeat(nameBytes - Buffer.byteLength(short));
}

/** What the holder says about itself; never rejects. */
function askHolder(path: string): Promise<string> {
  return new Promise((resolve) => {
    let words = '';
    const socket = createConnection({ path, timeout: answerDeadlineMs });
    socket.on('data', (text: Buffer) => {
      words = (words + text.toString('utf8')).slice(0, answerLimit);
    });
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(words.replaceAll(/\p{Cc}/gu, ' ').trim() || 'it does not say which'));
  });
}
