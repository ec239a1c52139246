/** A native program of the server's own with a socket: frames that come until one ends it. */
import { spawn, type ChildProcess } from 'node:child_process';
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

/** Starts a program in a session of its own, with nothing of ours but a socket; it may live longer than we do. That it cannot be started is told by the answer. */
export function startProgram({ program, args, environment = {}, order, report }: ProgramOrder): Running {
  let settle!: { resolve: (answer: Attributes) => void; reject: (error: Error) => void };
  const answer = new Promise<Attributes>((resolve, reject) => (settle = { resolve, reject }));
  const notStarted = (error: unknown): void => settle.reject(new WardenError('unavailable', `cannot start ${program}: ${error instanceof Error ? error.message : String(error)}`, { cause: error }));
  let child: ChildProcess;
  try {
    child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], detached: true, env: environment, cwd: '/' });
  } catch (error) {
    notStarted(error);
    return { pid: undefined, answer, giveUp: () => undefined };
  }
  child.once('error', notStarted);
  child.unref();
  // Without descriptors there is no array of them either, whatever its type says.
  const socket = (child.stdio as ChildProcess['stdio'] | undefined)?.[socketDescriptor] as Socket | null | undefined;
  if (socket === undefined || socket === null) return { pid: undefined, answer, giveUp: () => undefined };
  const fail = (error: Error): void => {
    settle.reject(error);
    socket.destroy();
  };
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
