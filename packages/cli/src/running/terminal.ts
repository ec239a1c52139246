// The terminal that the command runs on, for a job that has one of its own.
import { spawnSync } from 'node:child_process';
import { type Signal, signalNumber } from 'warden-client';
import type { Terminal } from 'warden-protocol';
import type { Environment } from '../image/docker-credentials.js';
import type { Streams } from '../streams.js';

const DEFAULT_SIZE = { rows: 24, columns: 80 };
const MOST = 4096;
const TERM = /^[A-Za-z0-9][A-Za-z0-9+._-]{0,63}$/;

/** What the server takes as a size, whatever this terminal says. */
export function sizeOf({ stdout }: Streams): { readonly rows: number; readonly columns: number } {
  const bounded = (value: number | undefined, otherwise: number): number => value === undefined || value < 1 ? otherwise : Math.min(value, MOST);
  return { rows: bounded(stdout.rows, DEFAULT_SIZE.rows), columns: bounded(stdout.columns, DEFAULT_SIZE.columns) };
}

/** A terminal for a job, like this one. */
export function terminalLike(streams: Streams, { TERM: term = '' }: Environment): Terminal {
  return { ...sizeOf(streams), ...(TERM.test(term) ? { term } : {}) };
}

/** Everything that is typed goes to the job, Ctrl-C too. Answers with the way back, which counts once, and only while standard input is open. */
export function enterRawMode({ stdin }: Streams): () => void {
  if (stdin.isTTY !== true) return () => undefined;
  stdin.setRawMode?.(true);
  keepLineFeeds(stdin);
  let isRaw = true;
  return () => {
    if (isRaw) stdin.setRawMode?.(false);
    isRaw = false;
  };
}

/**
 * Node's raw mode goes on making CR LF of each LF that is written, which the job's terminal has done already where the job wants it; a
 * program that moves down by LF alone would lose its column. The way back from raw mode sets this back, too.
 */
function keepLineFeeds({ fd }: Streams['stdin']): void {
  if (fd !== undefined) spawnSync('stty', ['-opost'], { stdio: [fd, 'ignore', 'ignore'] });
}

/** Calls back when this terminal has another size than before. Answers with the way to stop that. */
export function onResize(streams: Streams, known: { readonly rows: number; readonly columns: number }, listener: (size: { readonly rows: number; readonly columns: number }) => void): () => void {
  let last = known;
  const look = (): void => {
    const size = sizeOf(streams);
    if (size.rows === last.rows && size.columns === last.columns) return;
    last = size;
    listener(size);
  };
  streams.stdout.on('resize', look);
  // It may have changed while the job was being started.
  look();
  return () => void streams.stdout.off('resize', look);
}

/** The number of a signal where jobs run, which is Linux; here it may have another one. */
export function numberOf(name: NodeJS.Signals): number {
  return signalNumber(name as Signal);
}
