/**
 * A transfer: a connection to the container's monitor that its program `files` answers (docs/native.md). Each has a connection of its
 * own, which ends with it.
 */
import { WardenError } from 'warden-protocol';
import type { FileEntry, ProcessEntry, Transfer, TransferEnd, TransferOrder, TransferSink } from '../transfer.js';
import { giveBack, type MonitorConnection } from './monitor-connection.js';
import { StepError } from './step-error.js';
import { EntryKind, FileOperation, FrameType, Tag, TransferFlag } from './wire.js';
import { Attributes, FrameWriter, type Frame } from './wire-codec.js';

/** How long the first answer may take: a directory with a million files may have to be removed for it. */
export const firstAnswerMs = 10 * 60_000;
/** What the program takes in one frame. */
const contentLimit = 1 << 20;
/** The wire has a u64 for a time before the epoch, too. */
const beforeEpoch = 1n << 63n;

const kinds = new Map<number | undefined, FileEntry['kind']>([[EntryKind.file, 'file'], [EntryKind.directory, 'directory'], [EntryKind.link, 'link']]);

/** Operations that are answered with more than one frame. */
const streaming: ReadonlySet<TransferOrder['operation']> = new Set(['read', 'list', 'tarOut', 'processes']);

export function writeOrder(order: TransferOrder): Buffer {
  const writer = new FrameWriter().u32(Tag.fileOperation, FileOperation[order.operation]).bytes(Tag.path, order.path);
  if ('name' in order.user) writer.text(Tag.userName, order.user.name);
  else writer.u32(Tag.uid, order.user.uid).u32(Tag.gid, order.user.gid).u32(Tag.privileged, order.user.privileged ? 1 : 0).text(Tag.workingDirectory, order.user.home);
  const flags = (order.flags ?? []).reduce((sum, flag) => (flag === undefined ? sum : sum | TransferFlag[flag]), 0);
  if (flags !== 0) writer.u32(Tag.transferFlags, flags);
  if (order.target !== undefined) writer.bytes(Tag.target, order.target);
  if (order.mode !== undefined) writer.u32(Tag.mode, order.mode);
  if (order.position !== undefined) writer.u64(Tag.position, order.position);
  if (order.length !== undefined) writer.u64(Tag.length, order.length);
  if (order.entryLimit !== undefined) writer.u64(Tag.entryLimit, order.entryLimit);
  if (order.byteLimit !== undefined) writer.u64(Tag.byteLimit, order.byteLimit);
  if (order.content !== undefined) writer.bytes(Tag.content, order.content);
  return writer.frame(FrameType.transfer);
}

/** Sends the order; the connection is the transfer's from now on. */
export class LinuxTransfer implements Transfer {
  readonly opened: Promise<void>;
  readonly ended: Promise<TransferEnd>;
  readonly #connection: MonitorConnection;
  readonly #sink: TransferSink;
  /** The answer that ends it, among those of type OK. */
  readonly #answers: 'one' | 'two' | 'many';
  #resolveOpened!: () => void;
  #resolveEnded!: (end: TransferEnd) => void;
  #reject!: (error: WardenError) => void;
  /** What was written last, until the kernel has taken it. */
  #lastWrite: Promise<void> = Promise.resolve();
  #isOpen = false;
  #isOver = false;

  constructor(connection: MonitorConnection, order: TransferOrder, sink: TransferSink) {
    this.#connection = connection;
    this.#sink = sink;
    if (streaming.has(order.operation)) this.#answers = 'many';
    else this.#answers = order.operation === 'tarIn' || (order.operation === 'write' && order.content === undefined) ? 'two' : 'one';
    let rejectOpened: (error: WardenError) => void;
    this.opened = new Promise((resolve, reject) => {
      this.#resolveOpened = resolve;
      rejectOpened = reject;
    });
    this.ended = new Promise((resolve, reject) => {
      this.#resolveEnded = resolve;
      this.#reject = (error) => {
        rejectOpened(error);
        reject(error);
      };
    });
    // Whoever waits for one of the two need not wait for the other.
    this.opened.catch(() => undefined);
    this.ended.catch(() => undefined);
    connection.send(writeOrder(order), { frame: (frame) => this.#receive(frame), closed: (error) => this.#fail(error) });
  }

  write(data: Uint8Array, taken?: () => void): Promise<void> {
    const before = this.#lastWrite;
    this.#lastWrite = this.#send(data, taken);
    return before;
  }

  async #send(data: Uint8Array, taken: (() => void) | undefined): Promise<void> {
    const writes: Promise<boolean>[] = [];
    for (let at = 0; at < data.length && !this.#isOver; at += contentLimit) writes.push(this.#connection.write(FrameType.content, data.subarray(at, at + contentLimit)));
    if ((await Promise.all(writes)).every((isTaken) => isTaken)) taken?.();
  }

  finish(): void {
    if (!this.#isOver) void this.#connection.write(FrameType.contentEnd, new Uint8Array(0));
  }

  resume(): void {
    if (!this.#isOver) this.#connection.resume();
  }

  giveUp(): void {
    this.fail(new WardenError('canceled', 'the transfer was given up'));
  }

  fail(error: WardenError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.close();
    this.#reject(error);
  }

  #receive(frame: Frame): void {
    if (frame.type === FrameType.content) {
      if (!this.#sink.content(frame.body, () => giveBack(frame))) this.#connection.pause();
      return;
    }
    const attributes = new Attributes(frame.body);
    if (frame.type === FrameType.error) {
      this.fail(new StepError(attributes));
      return;
    }
    if (frame.type !== FrameType.ok && frame.type !== FrameType.contentEnd) {
      this.fail(new WardenError('protocol', `a transfer was answered with a frame of type ${frame.type}`));
      return;
    }
    const entries = attributes.nested(Tag.entry);
    if (entries.length > 0 && !this.#sink.entries(entries.map(readEntry))) this.#connection.pause();
    const processes = attributes.nested(Tag.process);
    if (processes.length > 0 && this.#sink.processes?.(processes.map(readProcess)) === false) this.#connection.pause();
    const isFirst = !this.#isOpen;
    this.#isOpen = true;
    this.#resolveOpened();
    if (frame.type === FrameType.contentEnd || this.#answers === 'one' || (this.#answers === 'two' && !isFirst)) this.#end(attributes);
  }

  #end(attributes: Attributes): void {
    this.#isOver = true;
    this.#resolveEnded({
      length: attributes.u64(Tag.length),
      entries: attributes.u64(Tag.position),
      more: attributes.u64(Tag.entryLimit) !== undefined,
      notes: attributes.texts(Tag.line),
    });
    this.#connection.close();
  }

  #fail(error: WardenError): void {
    if (this.#isOver) return;
    const message = this.#isOpen ? 'the transfer broke off: the container was destroyed, or the program that does it ended' : error.message;
    this.fail(this.#isOpen ? new WardenError('unavailable', message, { cause: error }) : error);
  }
}

function readEntry(attributes: Attributes): FileEntry {
  const modifiedNs = attributes.requiredU64(Tag.modifiedNs);
  return {
    name: attributes.bytes(Tag.name),
    kind: kinds.get(attributes.u32(Tag.entryKind)) ?? 'other',
    mode: attributes.requiredU32(Tag.mode),
    uid: attributes.requiredU32(Tag.uid),
    gid: attributes.requiredU32(Tag.gid),
    sizeInBytes: attributes.requiredU64(Tag.fileSize),
    modifiedNs: modifiedNs < beforeEpoch ? modifiedNs : 0n,
    hardLinks: attributes.requiredU32(Tag.count),
    target: attributes.bytes(Tag.target),
  };
}

function readProcess(attributes: Attributes): ProcessEntry {
  return {
    pid: attributes.requiredU32(Tag.pid),
    parentPid: attributes.requiredU32(Tag.parentPid),
    uid: attributes.requiredU32(Tag.uid),
    state: String.fromCharCode(attributes.requiredU32(Tag.processState)),
    threads: attributes.requiredU32(Tag.count),
    cpuTimeMs: attributes.requiredU64(Tag.cpuTimeMs),
    residentBytes: attributes.requiredU64(Tag.bytes),
    startedMs: attributes.requiredU64(Tag.startedMs),
    name: attributes.bytes(Tag.name),
    commandLine: attributes.bytes(Tag.commandLine),
  };
}
