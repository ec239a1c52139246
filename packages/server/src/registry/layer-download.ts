/**
 * A layer from the registry into a file, verified while it comes. What is in the file from an earlier try is gone on with, and a
 * connection that breaks off is made again, as long as each brings something.
 */
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { WardenError } from 'warden-protocol';
import type { Digest } from '../lib/digest.js';
import { layerFileName } from '../lib/registry-messages.js';
import { startTimer, systemClock } from '../lib/timer.js';
import { Transient, type RegistryApi } from './api.js';

/** Tries in a row that bring nothing. */
const fruitlessTriesLimit = 4;
/** Before the second try, doubled before each further one. */
const firstPauseMs = 250;
/** Between two reports. */
const reportPauseMs = 100;
const readInBytes = 1024 * 1024;

export interface Layer {
  readonly digest: Digest;
  readonly sizeInBytes: number;
}

/**
 * @param directory where its file lies
 * @param progress bytes that are there
 * @throws WardenError protocol when the content is not what its digest says; it is not kept then
 */
export async function downloadLayer(api: RegistryApi, directory: string, layer: Layer, progress: (doneInBytes: number) => void): Promise<void> {
  const path = join(directory, layerFileName(layer.digest));
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    const download = new Download(api, layer, file, progress);
    const foundInBytes = await download.takeUp();
    await download.finish();
    if (download.isRight()) return;
    // What was there before may be to blame, and is not tried a second time.
    if (foundInBytes > 0) {
      await download.begin();
      await download.finish();
      if (download.isRight()) return;
    }
    await unlink(path);
    throw new WardenError('protocol', `registry ${api.host}: layer ${layer.digest} is not what its digest says`);
  } catch (error) {
    throw isFull(error) ? new WardenError('exhausted', `no space is left for layer ${layer.digest} of ${layer.sizeInBytes} bytes`, { cause: error }) : error;
  } finally {
    await file.close();
  }
}

class Download {
  #hash: Hash = createHash('sha256');
  #done = 0;
  #reportedMs = 0;

  constructor(
    private readonly api: RegistryApi,
    private readonly layer: Layer,
    private readonly file: FileHandle,
    private readonly progress: (doneInBytes: number) => void,
  ) {}

  async begin(): Promise<void> {
    await this.file.truncate(0);
    this.#hash = createHash('sha256');
    this.#done = 0;
  }

  /** Goes on behind what the file has. @returns its length */
  async takeUp(): Promise<number> {
    const { size } = await this.file.stat();
    if (size > this.layer.sizeInBytes) {
      await this.begin();
      return 0;
    }
    const buffer = Buffer.allocUnsafe(Math.min(readInBytes, Math.max(size, 1)));
    while (this.#done < size) {
      const { bytesRead } = await this.file.read(buffer, 0, buffer.length, this.#done);
      if (bytesRead === 0) break;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#done += bytesRead;
    }
    return this.#done;
  }

  /** Until all of it is there. */
  async finish(): Promise<void> {
    let fruitless = 0;
    while (this.#done < this.layer.sizeInBytes) {
      const before = this.#done;
      try {
        await this.#fetch();
      } catch (error) {
        const mayPass = error instanceof Transient || (error instanceof WardenError && error.code === 'unavailable' && error.cause !== undefined) || isBrokenOff(error);
        fruitless = this.#done > before ? 1 : fruitless + 1;
        if (!mayPass || fruitless >= fruitlessTriesLimit) throw error;
        await pause(firstPauseMs * 2 ** (fruitless - 1));
      }
    }
    this.progress(this.#done);
  }

  isRight(): boolean {
    return `sha256:${this.#hash.copy().digest('hex')}` === this.layer.digest;
  }

  async #fetch(): Promise<void> {
    const { api, layer } = this;
    const from = this.#done;
    const reply = await api.get(`blobs/${layer.digest}`, from === 0 ? {} : { range: `bytes=${from}-` }, from === 0 ? [200] : [200, 206, 416]);
    if (reply.statusCode === 416 || (reply.statusCode === 206 && !startsAt(reply, from))) {
      reply.destroy();
      await this.begin();
      return;
    }
    if (reply.statusCode === 200) await this.begin();
    if ((reply.headers['content-encoding'] ?? 'identity') !== 'identity') {
      reply.destroy();
      throw new WardenError('protocol', `registry ${api.host}: layer ${layer.digest} comes with a compression that nobody asked for`);
    }
    for await (const chunk of api.transport.body(reply, api.host)) await this.#take(chunk);
    if (this.#done < layer.sizeInBytes) throw new Transient('unavailable', `registry ${api.host}: layer ${layer.digest} ended after ${this.#done} bytes of ${layer.sizeInBytes}`);
  }

  async #take(chunk: Buffer): Promise<void> {
    const { api, layer, file } = this;
    if (this.#done + chunk.length > layer.sizeInBytes) throw new WardenError('protocol', `registry ${api.host}: layer ${layer.digest} is longer than the ${layer.sizeInBytes} bytes that its manifest says`);
    for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at, chunk.length - at, this.#done + at)).bytesWritten;
    this.#hash.update(chunk);
    this.#done += chunk.length;
    const nowMs = systemClock.now();
    if (nowMs - this.#reportedMs < reportPauseMs) return;
    this.#reportedMs = nowMs;
    this.progress(this.#done);
  }
}

/** `Content-Range: bytes 5-9/10` (RFC 9110, 14.4). */
function startsAt(reply: IncomingMessage, from: number): boolean {
  return new RegExp(`^bytes ${from}-\\d+/(?:\\d+|\\*)$`).test(reply.headers['content-range'] ?? '');
}

function isBrokenOff(error: unknown): boolean {
  return error instanceof WardenError && error.code === 'timeout';
}

function isFull(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => void startTimer(systemClock, delayMs, resolve));
}
