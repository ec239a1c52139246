/** For tests: a socket that answers as the monitor of one container would, and the frames that it answers with. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog, type Log } from '../../lib/log.js';
import { systemClock } from '../../lib/timer.js';
import type { JobDescription, Monitor, OutputStream } from '../monitor.js';
import { LinuxMonitors, monitorSocketPath } from './monitor.js';
import { FrameType, Tag } from './wire.js';
import { Attributes, FrameReader, FrameWriter, type Frame } from './wire-codec.js';

const containerId = '1hq3k5m7o9q';

export const ok = new FrameWriter().frame(FrameType.ok);

export function failed(errno: number): Buffer {
  return new FrameWriter().text(Tag.step, 'find job').u32(Tag.errno, errno).frame(FrameType.error);
}

export function output(position: number, stream: number, data: string | Buffer): Buffer {
  const bytes = Buffer.from(data);
  const frame = Buffer.alloc(8 + 12 + bytes.length);
  frame.writeUInt32LE(12 + bytes.length, 0);
  frame.writeUInt16LE(FrameType.output, 4);
  frame.writeBigUInt64LE(BigInt(position), 8);
  frame.writeUInt32LE(stream, 16);
  bytes.copy(frame, 20);
  return frame;
}

export function exit(kind: number, value: number): Buffer {
  return new FrameWriter().u32(Tag.exitKind, kind).u32(Tag.exitValue, value).frame(FrameType.exit);
}

export const job: JobDescription = {
  jobId: 5,
  command: 'echo',
  argv: ['/bin/bash'],
  environment: ['A=b', 'C=d'],
  script: Buffer.from('echo \0 ü'),
  workingDirectory: '/home/vcap',
  requireDirectory: false,
  userName: undefined,
  uid: 10_000,
  gid: 10_001,
  privileged: false,
  rlimits: [{ resource: 7, soft: 1n, hard: 2n ** 64n - 1n }],
  outputLimitInBytes: 10n,
  discard: true,
  log: { tag: 'app.1', timeZone: 'UTC0' },
  openInput: false,
  terminal: undefined,
  timeoutMs: undefined,
};

export class Sink {
  readonly pieces: [OutputStream, string][] = [];
  readonly positions: bigint[] = [];
  readonly lengths: [number, number][] = [];
  accept = true;

  passedOver(stdout: number, stderr: number): void {
    this.lengths.push([stdout, stderr]);
  }

  output(stream: OutputStream, data: Buffer, position: bigint): boolean {
    this.pieces.push([stream, data.toString()]);
    this.positions.push(position);
    return this.accept;
  }
}

/** CONTENT has bytes instead. */
function attributesOf({ type, body }: Frame): Attributes {
  return new Attributes(type === FrameType.content ? Buffer.alloc(0) : body);
}

export class TestMonitor {
  /** What it does with a request. */
  answer: (frame: Frame, attributes: Attributes, socket: Socket) => void = (_frame, _attributes, socket) => socket.write(ok);
  readonly connections: Socket[] = [];
  readonly server: Server;
  readonly #directory = mkdtempSync(join(tmpdir(), 'warden-monitor-'));
  readonly #opened: Monitor[] = [];

  constructor() {
    mkdirSync(join(this.#directory, containerId, 'run'), { recursive: true });
    this.server = createServer((socket) => {
      this.connections.push(socket);
      const reader = new FrameReader();
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => reader.push(chunk, (frame) => this.answer(frame, attributesOf(frame), socket)));
    });
  }

  async listen(): Promise<void> {
    this.server.listen(monitorSocketPath(join(this.#directory, containerId)));
    await once(this.server, 'listening');
  }

  /**
   * The server's way to it.
   * @param isFound it was there before the server
   */
  open(log: Log = silentLog, isFound = false): Monitor {
    const monitor = new LinuxMonitors((id) => monitorSocketPath(join(this.#directory, id)), systemClock, log).open(containerId, isFound);
    this.#opened.push(monitor);
    return monitor;
  }

  close(): void {
    for (const monitor of this.#opened) monitor.close();
    for (const socket of this.connections) socket.destroy();
    this.server.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
