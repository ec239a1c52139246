/**
 * The launcher: one small C program, started once, that makes containers and changes the firewall's sets. Requests carry a
 * number and may be answered out of order. When it dies, requests under way fail and the next one starts it again.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { WardenError } from 'warden-protocol';
import type { Log } from '../../lib/log.js';
import { startTimer, type Clock } from '../../lib/timer.js';
import { Turns } from '../../lib/turns.js';
import type { PortProtocol } from '../../lib/port.js';
import type { CopyCounts, CopyOrder, Copying, CopyResult } from '../copies.js';
import type { ContainerDescription, FirewallChain, FirewallElement } from '../container-description.js';
import { FirewallMissing, LauncherGone, type Bandwidth, type BandwidthInForce, type FirewallChange, type Launcher, type MadeContainer, type ShapedLink, type StaleConnections } from '../launcher.js';
import type { LinkStatistics } from '../statistics.js';
import { readBandwidthReply, writeShapedLink } from './bandwidth-messages.js';
import { readCopyCounts, readCopyResult, writeCopyOrder } from './copy-messages.js';
import { directoryIds } from './directory-ids.js';
import { writePort, writeStaleConnections } from './port-messages.js';
import { readQuota, writeQuotaOrder, type Quota, type QuotaOrder } from './quota-messages.js';
import { writeHello, type HelloOptions } from './launcher-hello.js';
import { StepError } from './step-error.js';
import { writablePlaces } from './writable-places.js';
import { writeDescription, writeFirewallChain, writeFirewallElement } from './write-description.js';
import { FrameType, Tag } from './wire.js';
import { Attributes, FrameReader, FrameWriter, type Frame } from './wire-codec.js';

/** The launcher keeps its own deadline; ours comes later and is for a launcher that hangs. */
const slackMs = 5000;
/** Taking over the lock of a depot whose owner just died takes up to 5 s. */
const helloDeadlineMs = 15_000;
const firewallDeadlineMs = 10_000;
const quotaDeadlineMs = 10_000;
const bandwidthDeadlineMs = 10_000;
const linkStatisticsDeadlineMs = 10_000;
const portDeadlineMs = 10_000;
const datagramDeadlineMs = 5000;
/** The kernel's table can have a million connections. */
const forgetDeadlineMs = 60_000;
/** A container can have left millions of files. */
const discardDeadlineMs = 30 * 60_000;
/** A few system calls; the file system may have to write first. */
const diskDeadlineMs = 30_000;
/** Both ends of a copy end by themselves when nothing moves for minutes. */
const copyDeadlineMs = 20 * 24 * 3_600_000;
/** From so many requests under way on, what follows from their answers may be too much for one turn of the event loop. */
const crowd = 8;
/** Replies are small. */
const replyLimitInBytes = 64 * 1024;
/** What of the launcher's standard error is kept in one log line. */
const stderrLineLimit = 2000;

export type DiskRequestType = typeof FrameType.diskPrepare | typeof FrameType.diskMake | typeof FrameType.disk;

export interface LauncherOptions extends HelloOptions {
  /** The tables for watchFirewall(). */
  readonly firewall?: { readonly table: string; readonly changed: (change: FirewallChange) => void };
  readonly clock: Clock;
  readonly log: Log;
}

interface Pending {
  readonly resolve: (reply: Attributes) => void;
  readonly reject: (error: Error) => void;
  readonly cancelTimer: () => void;
  readonly progress: ((report: Attributes) => void) | undefined;
}

/** What some exchanges tell while they are under way. */
interface Watcher {
  /** The number of the request, before it is sent. */
  readonly begun: (running: Running, number: number) => void;
  readonly progress: (report: Attributes) => void;
}

interface Running {
  readonly process: ChildProcess;
  readonly socket: Socket;
  readonly pending: Map<number, Pending>;
  /** It has answered HELLO. */
  ready: boolean;
  /** What it wrote to standard error before that. */
  words: string;
}

export class LauncherProcess implements Launcher {
  #running: Promise<Running> | undefined;
  /** The same as soon as it has answered HELLO: a request is then written in the call that makes it, so that the launcher works while wardend goes on. */
  #ready: Running | undefined;
  #nextRequest = 1;
  #closed = false;
  readonly #turns: Turns;
  #watching = false;
  /** How often it was gone and had to be started again. */
  restarts = 0;

  constructor(private readonly options: LauncherOptions) {
    this.#turns = new Turns(options.clock);
  }

  /** Starts the program; it takes the depot's lock. @throws StepError with an owner when another wardend has it */
  async start(): Promise<void> {
    await this.#run();
  }

  async create(description: ContainerDescription): Promise<MadeContainer> {
    const deadlineMs = description.deadlineMs + slackMs;
    try {
      const reply = await this.#request(FrameType.create, deadlineMs, `create of container ${description.id}`, (writer) => writeDescription(writer, description));
      return { pid: reply.requiredU32(Tag.pid), linkIndex: reply.u32(Tag.linkIndex) };
    } catch (error) {
      if (error instanceof WardenError && error.code === 'timeout' && !(error instanceof StepError)) await this.#abandon(description.id);
      throw orFirewallMissing(error);
    }
  }

  async changeFirewall(elements: readonly FirewallElement[], chains: readonly FirewallChain[] = []): Promise<void> {
    try {
      await this.#request(FrameType.firewall, firewallDeadlineMs, 'firewall change', (writer) => {
        for (const element of elements) writeFirewallElement(writer, element);
        for (const chain of chains) writeFirewallChain(writer, chain);
      });
    } catch (error) {
      throw orFirewallMissing(error);
    }
  }

  /** A launcher that dies later is replaced at once, so that somebody watches. */
  async watchFirewall(): Promise<void> {
    await this.#askToWatch(await this.#run());
    this.#watching = true;
  }

  async limitBandwidth(link: ShapedLink, limit: Bandwidth, alias: string): Promise<BandwidthInForce> {
    const reply = await this.#request(FrameType.shape, bandwidthDeadlineMs, `bandwidth limit of ${link.hostName}`, (writer) =>
      writeShapedLink(writer, link).text(Tag.alias, alias).u64(Tag.rate, limit.rate).u64(Tag.burst, limit.burst),
    );
    return readBandwidthReply(reply);
  }

  async readBandwidth(link: ShapedLink): Promise<BandwidthInForce> {
    return readBandwidthReply(await this.#request(FrameType.readShape, bandwidthDeadlineMs, `reading the bandwidth limit of ${link.hostName}`, (writer) => writeShapedLink(writer, link)));
  }

  async removeBandwidthLimit({ hostName, ifbName }: { readonly hostName?: string; readonly ifbName: string }): Promise<void> {
    await this.#request(FrameType.unshape, bandwidthDeadlineMs, `removal of ${ifbName}`, (writer) => {
      if (hostName !== undefined) writer.text(Tag.hostName, hostName);
      writer.text(Tag.ifbName, ifbName);
    });
  }

  async readLinkStatistics(hostName: string): Promise<LinkStatistics> {
    const reply = await this.#request(FrameType.readLink, linkStatisticsDeadlineMs, `reading what ${hostName} has carried`, (writer) => writer.text(Tag.hostName, hostName));
    return {
      inBytes: reply.requiredU64(Tag.inBytes),
      inPackets: reply.requiredU64(Tag.inPackets),
      outBytes: reply.requiredU64(Tag.outBytes),
      outPackets: reply.requiredU64(Tag.outPackets),
    };
  }

  /** One datagram to a unix socket of the host; `@` before an abstract name. @throws StepError: nobody listens, or there is no room */
  async sendDatagram(socketPath: string, content: string): Promise<void> {
    await this.#request(FrameType.datagram, datagramDeadlineMs, `a datagram to ${socketPath}`, (writer) => writer.text(Tag.path, socketPath).text(Tag.content, content));
  }

  async isListening(protocol: PortProtocol, port: number): Promise<boolean> {
    const reply = await this.#request(FrameType.listening, portDeadlineMs, `look for a listener on ${protocol} port ${port}`, (writer) => writePort(writer, protocol, port));
    return reply.requiredU32(Tag.listening) === 1;
  }

  async openUnlessListening(protocol: PortProtocol, port: number, elements: readonly FirewallElement[]): Promise<boolean> {
    try {
      const reply = await this.#request(FrameType.firewall, firewallDeadlineMs, `opening ${protocol} port ${port}`, (writer) => {
        for (const element of elements) writeFirewallElement(writer, element);
        writePort(writer, protocol, port);
      });
      return reply.requiredU32(Tag.listening) === 0;
    } catch (error) {
      throw orFirewallMissing(error);
    }
  }

  async forgetConnections(stale: StaleConnections): Promise<void> {
    await this.#request(FrameType.forgetConnections, forgetDeadlineMs, 'forgetting connections', (writer) => writeStaleConnections(writer, stale));
  }

  async removeLink(hostName: string, index: number): Promise<void> {
    await this.#request(FrameType.removeLink, bandwidthDeadlineMs, `removal of ${hostName}`, (writer) => writer.text(Tag.hostName, hostName).u32(Tag.linkIndex, index));
  }

  /** Starts the host's side of a copy. */
  copy(order: CopyOrder, progress: (counts: CopyCounts) => void): Copying {
    let givenUp = false;
    let giveUp = (): void => undefined;
    const begun = (running: Running, number: number): void => {
      giveUp = () => void this.#exchange(running, FrameType.abandon, slackMs, 'end of a copy', (writer) => writer.u32(Tag.copy, number)).catch(() => undefined);
    };
    const run = async (): Promise<CopyResult> => {
      const running = await this.#run();
      if (givenUp) throw new WardenError('canceled', 'the copy was given up');
      return readCopyResult(await this.#exchange(running, FrameType.copy, copyDeadlineMs, `copy of ${order.source}`, (writer) => writeCopyOrder(writer, order, directoryIds(writablePlaces(order.writable))), { begun, progress: (report) => progress(readCopyCounts(report)) }));
    };
    return {
      done: run(),
      giveUp: () => {
        givenUp = true;
        giveUp();
      },
    };
  }

  /** Removes entries of a directory with everything in them, in a process of its own. @throws StepError the first that could not be removed */
  async discard(directory: string, names: readonly string[]): Promise<void> {
    await this.#request(FrameType.discard, discardDeadlineMs, `removal of what was discarded in ${directory}`, (writer) => {
      writer.text(Tag.path, directory);
      for (const name of names) writer.text(Tag.name, name);
    });
  }

  /** A request about disks. @param what names it in errors */
  async disk(type: DiskRequestType, what: string, write: (writer: FrameWriter) => void): Promise<Attributes> {
    return this.#request(type, diskDeadlineMs, what, write);
  }

  /**
   * Sets the limits that are given, and answers what is in force then and what is used.
   * @throws StepError ENOSYS: no quotas there; ESRCH: not switched on; ENODATA: the directory has no project; ERANGE: a limit that cannot be expressed
   */
  async quota(order: QuotaOrder): Promise<Quota> {
    const reply = await this.#request(FrameType.quota, quotaDeadlineMs, `disk quota of ${order.kind} ${order.id ?? order.path}`, (writer) => writeQuotaOrder(writer, order));
    return readQuota(reply);
  }

  /**
   * Ends the program by closing its socket, or by SIGKILL when it has not ended within `delayMs`; monitors and containers live
   * on. Settles when it has exited.
   */
  async close(delayMs: number): Promise<void> {
    this.#closed = true;
    this.#ready = undefined;
    const running = await this.#running?.catch(() => undefined);
    if (running === undefined || running.process.exitCode !== null || running.process.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const cancelKill = startTimer(this.options.clock, delayMs, () => running.process.kill('SIGKILL'));
      running.process.once('exit', () => {
        cancelKill();
        resolve();
      });
      running.socket.end();
    });
  }

  async #abandon(id: string): Promise<void> {
    await this.#request(FrameType.abandon, slackMs, `end of a late create of ${id}`, (writer) => writer.text(Tag.id, id)).catch((error: unknown) => {
      this.options.log.error({ container: id, err: error }, 'a create that took too long could not be ended');
    });
  }

  #run(): Promise<Running> {
    if (this.#closed) return Promise.reject(new WardenError('unavailable', 'the server is ending'));
    if (this.#running !== undefined) return this.#running;
    const running: Promise<Running> = this.#spawn().catch((error: unknown) => {
      // A request since then may have started another one.
      if (this.#running === running) this.#running = undefined;
      throw error;
    });
    return (this.#running = running);
  }

  async #spawn(): Promise<Running> {
    const program = join(this.options.programsPath, 'launcher');
    // A session of its own: ^C at the terminal is for wardend, which then finishes what is under way.
    const child = spawn(program, [], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], detached: true, env: {}, cwd: '/' });
    const socket = child.stdio[3] as Socket;
    const running: Running = { process: child, socket, pending: new Map(), ready: false, words: '' };
    let isGone = false;
    const gone = (why: string): void => {
      // The end of its process comes behind whatever it was given up for, and there may be another one by then.
      if (isGone) return;
      isGone = true;
      this.#turns.do(() => this.#lost(running, why));
    };
    child.once('error', (error) => gone(`cannot start ${program}: ${error.message}`));
    // Not 'exit': by then its last words may not have been read.
    child.once('close', (code, signal) => gone(`the launcher ended with ${signal ?? `status ${code}`}${running.ready ? '' : `: ${running.words.trim()}`}`));
    child.stderr?.on('data', (text: Buffer) => {
      // What it says before it has answered comes with the answer, or explains its end.
      if (!running.ready) running.words = (running.words + text.toString('utf8')).slice(0, stderrLineLimit);
      else this.options.log.warn({ program: 'launcher', text: text.toString('utf8').trimEnd().slice(0, stderrLineLimit) }, 'message from the launcher');
    });
    const reader = new FrameReader(replyLimitInBytes);
    const unlessMalformed = (work: () => void): void => {
      try {
        work();
      } catch (error) {
        gone(error instanceof Error ? error.message : String(error));
        socket.destroy();
      }
    };
    // While many wait for it, their replies come by the dozen: what throws then does so in a later turn.
    const receive = (frame: Frame): void => this.#turns.do(() => unlessMalformed(() => this.#receive(running, frame)), running.pending.size < crowd);
    socket.on('data', (chunk: Buffer) => unlessMalformed(() => reader.push(chunk, receive)));
    // The exit event tells what happened; an error of its socket comes with it.
    socket.on('error', () => undefined);
    try {
      await this.#exchange(running, FrameType.hello, helloDeadlineMs, 'start of the launcher', (writer) => writeHello(writer, this.options));
      if (this.#watching) await this.#askToWatch(running);
    } catch (error) {
      // One that is late keeps the depot's lock from the next, and its end is not that one's.
      isGone = true;
      child.kill('SIGKILL');
      throw error;
    }
    running.ready = true;
    // Who ends it waits for it: nothing is sent to one that is ending. Nor to one that was given up for what it said behind its answer.
    if (!this.#closed && !isGone) this.#ready = running;
    if (this.#watching) this.options.firewall?.changed({ unwatched: true });
    return running;
  }

  async #askToWatch(running: Running): Promise<void> {
    const { firewall } = this.options;
    if (firewall !== undefined) await this.#exchange(running, FrameType.watchFirewall, firewallDeadlineMs, 'watching the firewall', (writer) => writer.text(Tag.table, firewall.table));
  }

  async #request(type: number, deadlineMs: number, what: string, write: (writer: FrameWriter) => void): Promise<Attributes> {
    return this.#exchange(this.#ready ?? (await this.#run()), type, deadlineMs, what, write);
  }

  #exchange(running: Running, type: number, deadlineMs: number, what: string, write: (writer: FrameWriter) => void, watcher?: Watcher): Promise<Attributes> {
    const number = this.#nextRequest;
    this.#nextRequest = (number % 0xffff_ffff) + 1;
    return new Promise((resolve, reject) => {
      const writer = new FrameWriter().u32(Tag.request, number);
      write(writer);
      const frame = writer.frame(type);
      const cancelTimer = startTimer(this.options.clock, deadlineMs, () => {
        running.pending.delete(number);
        reject(new WardenError('timeout', `${what}: no answer from the launcher within ${deadlineMs / 1000} s`));
      });
      running.pending.set(number, { resolve, reject, cancelTimer, progress: watcher?.progress });
      watcher?.begun(running, number);
      running.socket.write(frame);
    });
  }

  #receive(running: Running, frame: Frame): void {
    const reply = new Attributes(frame.body);
    if (frame.type === FrameType.event) {
      this.options.firewall?.changed(readFirewallChange(reply));
      return;
    }
    // HELLO is answered before any other request is sent, so that a reply without a number can only be its.
    const number = reply.u32(Tag.request) ?? [...running.pending.keys()][0];
    const pending = number === undefined ? undefined : running.pending.get(number);
    if (number === undefined || pending === undefined) return;
    if (frame.type === FrameType.copyProgress) {
      pending.progress?.(reply);
      return;
    }
    running.pending.delete(number);
    pending.cancelTimer();
    if (frame.type === FrameType.ok) pending.resolve(reply);
    else if (frame.type === FrameType.error) pending.reject(new StepError(reply));
    else pending.reject(new WardenError('protocol', `the launcher answered with a frame of type ${frame.type}`));
  }

  #lost(running: Running, why: string): void {
    this.#running = undefined;
    this.#ready = undefined;
    const another = !this.#closed && running.ready;
    if (another) this.restarts++;
    if (another) this.options.log.error({ reason: why }, `the launcher is gone; ${this.#watching ? 'starting another' : 'the next request starts it again'}`);
    for (const pending of running.pending.values()) {
      pending.cancelTimer();
      pending.reject(running.ready ? new LauncherGone(why) : new WardenError('unavailable', why));
    }
    running.pending.clear();
    running.socket.destroy();
    if (another && this.#watching) {
      this.#run().catch((error: unknown) => this.options.log.error({ err: error }, 'the launcher cannot be started; the next request tries again, until then nobody watches the firewall'));
    }
  }
}

/** An element's set, or its table, is not there. */
function orFirewallMissing(error: unknown): unknown {
  const isMissing = error instanceof StepError && error.errno === constants.errno.ENOENT && /^(add|change) firewall elements$/.test(error.step);
  return isMissing ? new FirewallMissing(error) : error;
}

function readFirewallChange(event: Attributes): FirewallChange {
  const [port, pid, program] = [event.u32(Tag.authorPort), event.u32(Tag.authorPid), event.text(Tag.authorName)];
  return { ...(port !== undefined && { port }), ...(pid !== undefined && { pid }), ...(program !== undefined && { program }) };
}
