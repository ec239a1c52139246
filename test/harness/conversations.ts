/* Peers of a container's servers, in network namespaces of a test: who knocks once, who stays connected, who asks again and again; and the servers. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Client } from './client.js';
import { streamUntil } from './expect.js';
import type { ServerFixture } from './fixture.js';
import type { NetworkNamespace } from './network-namespace.js';
import { withDeadline } from './wait.js';

/** What a program has said so far, and waiting for more. */
class Words {
  #heard = '';
  #wake: () => void = () => {};

  add(text: string): void {
    this.#heard += text;
    this.#wake();
  }

  get heard(): string { return this.#heard; }

  times(text: string): number { return this.#heard.split(text).length - 1; }

  /** Until `text` was said that many times. */
  async until(text: string, times = 1): Promise<void> {
    await withDeadline((async () => {
      while (this.times(text) < times) await new Promise<void>((resolve) => { this.#wake = resolve; });
    })(), 15_000, `"${text}" (${times})`);
  }
}

const SERVERS = {
  tcp: 'my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => "0.0.0.0:PORT", ReuseAddr => 1) or die $!; print "listening\n"; '
    + 'my @kept; while (my $c = $l->accept) { print "from ", $c->peerhost, "\n"; print $c "NAME\n"; push @kept, $c }',
  udp: 'my $s = IO::Socket::INET->new(Proto => "udp", LocalAddr => "0.0.0.0:PORT") or die $!; print "listening\n"; '
    + 'while ($s->recv(my $d, 100)) { print "from ", $s->peerhost, " $d"; $s->send("NAME $d") }',
};

/** A server inside a container that tells everybody `name`, and says who came. */
export async function listenInside(server: ServerFixture, handle: string, protocol: 'tcp' | 'udp', port: number, name: string): Promise<Words> {
  const client = await server.connect();
  const program = SERVERS[protocol].replaceAll('PORT', String(port)).replaceAll('NAME', name);
  const jobId = await client.spawn(handle, `exec perl -MIO::Socket::INET -e '$| = 1; ${program}'`);
  await streamUntil((await server.connect()).stream(handle, jobId), 'listening');
  const words = new Words();
  void (async () => {
    for await (const { data } of client.stream(handle, jobId)) words.add(data.toString());
  })().catch(() => undefined);
  return words;
}

/** What a TCP server says first, or `closed`. */
export async function knock(place: NetworkNamespace, address: string, port: number, seconds = 10): Promise<string> {
  const { stdout } = await place.attempt('timeout', [String(seconds), 'bash', '-c', `exec 3<>/dev/tcp/${address}/${port} && head -n 1 <&3`]);
  return stdout.trim() || 'closed';
}

/** The same from inside a container. */
export async function knockFrom(client: Client, handle: string, address: string, port: number, seconds = 10): Promise<string> {
  const { stdout } = await client.run(handle, `timeout ${seconds} bash -c 'exec 3<>/dev/tcp/${address}/${port} && head -n 1 <&3' 2>/dev/null || echo closed`);
  return stdout.trim();
}

/** The answer to a datagram, or nothing. */
export async function ask(place: NetworkNamespace, address: string, port: number, seconds = 10): Promise<string> {
  const { stdout } = await place.attempt('timeout', [String(seconds), 'bash', '-c', `exec 3<>/dev/udp/${address}/${port} && echo hello >&3 && head -n 1 <&3`]);
  return stdout.trim();
}

/** A program in a namespace, with what it says. */
export class Peer {
  readonly words = new Words();
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  #hasEnded = false;

  private constructor(place: NetworkNamespace, script: string) {
    const [first = '', ...rest] = [...place.enter, 'perl', '-MIO::Socket::INET', '-e', script];
    this.#child = spawn(first, rest, { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child.stdout?.on('data', (data: Buffer) => this.words.add(data.toString()));
    this.#exit = once(this.#child, 'exit').then(() => { this.#hasEnded = true; });
  }

  /** A TCP connection that stays, says what it hears, and sends what it is given. Ends with the connection. */
  static connected(place: NetworkNamespace, address: string, port: number): Peer {
    return new Peer(place, `my $s = IO::Socket::INET->new(PeerAddr => "${address}:${port}") or die $!; $| = 1; $s->autoflush(1); `
      + 'if (my $pid = fork) { while (sysread($s, my $d, 100)) { print $d } kill 9, $pid; exit } while (sysread(STDIN, my $d, 100)) { print $s $d } exit');
  }

  /** Sends `hello` from one UDP socket again and again, says `asked` each time, and what it hears, or `refused`. */
  static asking(place: NetworkNamespace, address: string, port: number, everySeconds: number): Peer {
    return new Peer(place, `my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "${address}:${port}") or die $!; $| = 1; `
      + 'while (1) { $s->send("hello\n"); print "asked\n"; my ($r, $d) = ("", ""); vec($r, fileno($s), 1) = 1; '
      + `if (select($r, undef, undef, ${everySeconds})) { print defined $s->recv($d, 100) ? $d : "refused\n"; select(undef, undef, undef, ${everySeconds}) } }`);
  }

  get hasEnded(): boolean { return this.#hasEnded; }

  say(text: string): void { this.#child.stdin?.write(text); }

  async ended(): Promise<void> { await withDeadline(this.#exit, 10_000, 'the end of the connection'); }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }
}
