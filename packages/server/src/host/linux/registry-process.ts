/** Registry processes: each has one conversation about one image, and is killed at its end, whatever it is doing. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WardenError } from 'warden-protocol';
import type { Digest } from '../../lib/digest.js';
import type { Log } from '../../lib/log.js';
import { layerFileName, readFromRegistry, type FromRegistry, type RegistryStart, type ToRegistry } from '../../lib/registry-messages.js';
import { startTimer, type Clock } from '../../lib/timer.js';
import type { Registry, RegistryOrder, RegistrySession, RemoteImage, RemoteLayer } from '../registry.js';

const program = fileURLToPath(new URL('../../registry/main.js', import.meta.url));
/** It needs a third of that. */
const heapLimitInMiB = 128;
/** What of its standard error is kept. */
const stderrLimit = 2000;
/** It has nothing to do but to end. */
const endDeadlineMs = 1000;

export interface RegistryProcessOptions extends Pick<RegistryStart, 'insecureRegistries' | 'caPath' | 'silenceMs' | 'layerLimitInBytes' | 'imageLimitInBytes'> {
  /** Where files of layers lie; made when it is missing, in a directory that is there. It becomes the processes' own. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class LinuxRegistry implements Registry {
  constructor(private readonly options: RegistryProcessOptions) {}

  open(order: RegistryOrder): RegistrySession {
    return new Session(order, this.options);
  }
}

interface Waiting<Value> {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: WardenError) => void;
}

class Session implements RegistrySession {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #child: ChildProcess;
  readonly #image: Promise<RemoteImage>;
  readonly #layers = new Map<Digest, Waiting<string> & { readonly progress: (doneInBytes: number) => void }>();
  #resolving: Waiting<RemoteImage> | undefined;
  #ended: WardenError | undefined;

  constructor({ host, repository, reference, credentials, platform }: RegistryOrder, { directory, clock, log, ...limits }: RegistryProcessOptions) {
    this.#directory = directory;
    this.#clock = clock;
    this.#log = log;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#image = new Promise((resolve, reject) => {
      this.#resolving = { resolve, reject };
    });
    // Whoever does not ask for it need not hear that it failed.
    this.#image.catch(() => undefined);
    // A session of its own: ^C at the terminal is for wardend.
    this.#child = fork(program, [], { execArgv: [`--max-old-space-size=${heapLimitInMiB}`], env: {}, cwd: directory, detached: true, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#watch();
    this.#tell({ type: 'start', host, repository, reference, ...credentials, platform, ...limits });
  }

  resolve(): Promise<RemoteImage> {
    return this.#image;
  }

  fetch(layer: RemoteLayer, progress: (doneInBytes: number) => void): Promise<string> {
    const { digest, sizeInBytes } = layer;
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      this.#layers.set(digest, { resolve, reject, progress });
      this.#tell({ type: 'fetch', digest, sizeInBytes });
    });
  }

  drop({ digest }: RemoteLayer): void {
    this.#tell({ type: 'drop', digest });
  }

  close(): void {
    // What was told before is done first: it may be the removal of files. Its end follows from that of the channel.
    if (this.#child.connected && this.#layers.size === 0 && this.#resolving === undefined) {
      const cancel = startTimer(this.#clock, endDeadlineMs, () => this.#child.kill('SIGKILL'));
      this.#child.once('close', cancel);
      this.#child.disconnect();
    } else if (this.#ended === undefined) this.#child.kill('SIGKILL');
    this.#end(new WardenError('canceled', 'the pull was ended'));
  }

  #tell(message: ToRegistry): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  #watch(): void {
    const child = this.#child;
    let words = '';
    child.stderr?.on('data', (text: Buffer) => {
      words = (words + text.toString('utf8')).slice(-stderrLimit);
    });
    const gone = (why: string): void => {
      if (this.#ended !== undefined) return;
      this.#log.error({ pid: child.pid, reason: why }, 'a registry process ended in the middle of a pull');
      this.#end(new WardenError('unavailable', 'the process that fetches from registries ended unexpectedly; the server\'s log has the details'));
    };
    child.once('error', (error) => gone(error.message));
    child.once('close', (code, signal) => gone(`it ended with ${signal ?? `status ${code}`}${words === '' ? '' : `: ${words.trim()}`}`));
    child.on('message', (message) => {
      const read = readFromRegistry(message);
      if (read !== undefined && this.#receive(read)) return;
      child.kill('SIGKILL');
      gone('it said something that it cannot have to say');
    });
  }

  /** @returns whether it makes sense */
  #receive(message: FromRegistry): boolean {
    if (message.type === 'resolved' || (message.type === 'failed' && message.digest === undefined)) {
      const resolving = this.#resolving;
      this.#resolving = undefined;
      if (message.type === 'failed') resolving?.reject(new WardenError(message.code, message.message));
      else resolving?.resolve({ manifestDigest: message.manifestDigest, config: Buffer.from(message.config, 'base64'), layers: message.layers });
      return resolving !== undefined || this.#ended !== undefined;
    }
    const digest = message.digest as Digest;
    const layer = this.#layers.get(digest);
    if (message.type === 'progress') {
      layer?.progress(message.doneInBytes);
      return true;
    }
    this.#layers.delete(digest);
    if (message.type === 'fetched') layer?.resolve(join(this.#directory, layerFileName(digest)));
    else layer?.reject(new WardenError(message.code, message.message));
    return layer !== undefined || this.#ended !== undefined;
  }

  #end(error: WardenError): void {
    this.#ended ??= error;
    this.#resolving?.reject(error);
    this.#resolving = undefined;
    for (const { reject } of this.#layers.values()) reject(error);
    this.#layers.clear();
  }
}
