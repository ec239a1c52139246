/** A native program of the server's own with a socket: frames that come until one ends it. */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { WardenError } from 'warden-protocol';
import { StepError } from '../linux/step-error.js';
import { FrameType } from '../linux/wire.js';
import { Attributes, FrameReader } from '../linux/wire-codec.js';

/** Replies are small. */
const replyLimitInBytes = 64 * 1024;
/** Where the program finds its socket. */
const socketDescriptor = 3;

export interface ProgramOrder {
  readonly program: string;
  readonly args: readonly string[];
  /** All of it; undefined: none. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What it is told first; undefined: nothing. */
  readonly order?: Buffer;
  /** Frames before the last one. */
  readonly report?: (type: number, attributes: Attributes) => void;
}

export interface Running {
  readonly pid: number | undefined;
  /** The OK frame. Rejects with what the program says in its ERROR frame, or with unavailable when it ends without one. */
  readonly answer: Promise<Attributes>;
  /** Closes the socket: the program ends for want of somebody who waits. */
  giveUp(error: WardenError): void;
}

/** Starts a program in a session of its own, with nothing of ours but a socket; it may live longer than we do. */
export function startProgram({ program, args, environment = {}, order, report }: ProgramOrder): Running {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], detached: true, env: environment, cwd: '/' });
  child.unref();
  const socket = child.stdio[socketDescriptor] as Socket;
  let settle!: { resolve: (answer: Attributes) => void; reject: (error: Error) => void };
  const answer = new Promise<Attributes>((resolve, reject) => (settle = { resolve, reject }));
  const fail = (error: Error): void => {
    settle.reject(error);
    socket.destroy();
  };
  child.once('error', (error) => fail(new WardenError('unavailable', `cannot start ${program}: ${error.message}`, { cause: error })));
  const reader = new FrameReader(replyLimitInBytes);
  socket.on('error', () => undefined);
  socket.on('close', () => settle.reject(new WardenError('unavailable', `${program} ended without an answer`)));
  socket.on('data', (chunk: Buffer) => {
    try {
      reader.push(chunk, ({ type, body }) => {
        const attributes = new Attributes(body);
        if (type === FrameType.ok) settle.resolve(attributes);
        else if (type === FrameType.error) settle.reject(new StepError(attributes));
        else report?.(type, attributes);
      });
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
    }
  });
  const close = (): void => void socket.destroy();
  answer.then(close, close);
  if (order !== undefined) socket.write(order);
  return { pid: child.pid, answer, giveUp: fail };
}
