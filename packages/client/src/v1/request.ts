// The v1 mode: requests as clients wrote them before there were messages, a list of words such as ['run', handle, 'ls'].
// The words become a request of the protocol in the client; the server never sees them.
import { BindMountMode, type Init, type RequestInit, type RequestType, Type, WardenError } from 'warden-protocol';

/** A command and its words. Numbers may be given as text. */
export type V1Command = readonly [command: string, ...words: (V1Word | V1CreateOptions)[]];

export type V1Word = string | number | bigint;

/** How a source appears in the container: "ro", "rw", or { mode: "ro" }. */
export type V1BindMount = readonly [source: string, destination: string, mode: string | { readonly mode: string }];

/** What create takes, by the names of the protocol. */
export interface V1CreateOptions {
  readonly bind_mounts?: readonly V1BindMount[];
  /** Seconds; fractions are cut off. */
  readonly grace_time?: V1Word;
  readonly handle?: string;
  readonly network?: string;
  readonly rootfs?: string;
}

/** A request with its type, to be told apart by it. */
export type V1Request = { [T in RequestType]: { readonly type: T; readonly request: RequestInit<T> } }[RequestType];

/** The words of one command, taken one after the other. */
class Words {
  readonly command: string;
  readonly #words: unknown[];

  constructor([command, ...words]: readonly unknown[]) {
    this.command = String(command);
    this.#words = words;
  }

  get isEmpty(): boolean {
    return this.#words.length === 0;
  }

  text(what: string): string {
    const word = this.optionalText();
    if (word === undefined) throw invalid(`${this.command} needs ${what}`);
    return word;
  }

  optionalText(): string | undefined {
    const word = this.#words.shift();
    if (word === undefined || word === null) return undefined;
    if (typeof word === 'object' || typeof word === 'function') throw invalid(`${this.command} takes text and numbers, not ${typeof word}`);
    return String(word);
  }

  integer(what: string): bigint {
    return integerOf(`${what} of ${this.command}`, this.text(what));
  }

  object(): object | undefined {
    const word = this.#words.shift();
    if (word === undefined || word === null) return undefined;
    if (typeof word !== 'object' || Array.isArray(word)) throw invalid(`${this.command} takes an object of options`);
    return word;
  }

  end(): void {
    if (!this.isEmpty) throw invalid(`${this.command} has more words than it takes: ${JSON.stringify(this.#words.map(String))}`);
  }
}

/** The request that the words stand for. Throws invalid_argument; for what is no command, `Unknown command: X`. */
export function v1Request(command: V1Command): V1Request {
  const words = new Words(command);
  const request = translate(words);
  words.end();
  return request;
}

function translate(words: Words): V1Request {
  switch (words.command) {
    case 'ping': return { type: Type.Ping, request: {} };
    case 'list': return { type: Type.List, request: {} };
    case 'echo': return { type: Type.Echo, request: { message: words.text('a message') } };
    case 'create': return { type: Type.Create, request: createOf(words.object() ?? {}) };
    case 'stop': return { type: Type.Stop, request: { handle: handleOf(words) } };
    case 'destroy': return { type: Type.Destroy, request: { handle: handleOf(words) } };
    case 'info': return { type: Type.Info, request: { handle: handleOf(words) } };
    case 'spawn': return { type: Type.Spawn, request: { handle: handleOf(words), script: words.text('a script') } };
    case 'run': return { type: Type.Run, request: { handle: handleOf(words), script: words.text('a script') } };
    case 'link': return { type: Type.Link, request: { handle: handleOf(words), jobId: Number(words.integer('a job id')) } };
    case 'stream': return { type: Type.Stream, request: { handle: handleOf(words), jobId: Number(words.integer('a job id')) } };
    case 'net': return netOf(words);
    case 'copy': return copyOf(words);
    case 'limit': return limitOf(words);
    default: throw unknownCommand(words.command);
  }
}

function handleOf(words: Words): string {
  return words.text('a handle');
}

function netOf(words: Words): V1Request {
  const handle = handleOf(words);
  const direction = words.text('a direction, in or out');
  if (direction === 'in') return { type: Type.NetIn, request: { handle } };
  if (direction !== 'out') throw unknownCommand(`net ${direction}`);
  const [network = '', port] = words.text('what to reach, as NETWORK[:PORT]').split(':', 2);
  return { type: Type.NetOut, request: {
    handle,
    ...(network === '' ? {} : { network }),
    ...(port === undefined || port === '' ? {} : { port: Number(integerOf('the port of net', port)) }),
  } };
}

function copyOf(words: Words): V1Request {
  const handle = handleOf(words);
  const direction = words.text('a direction, in or out');
  if (direction !== 'in' && direction !== 'out') throw unknownCommand(`copy ${direction}`);
  const request = { handle, srcPath: words.text('a source'), dstPath: words.text('a destination') };
  if (direction === 'in') return { type: Type.CopyIn, request };
  const owner = words.optionalText();
  return { type: Type.CopyOut, request: owner === undefined ? request : { ...request, owner } };
}

function limitOf(words: Words): V1Request {
  const handle = handleOf(words);
  const limit = words.text('what to limit: mem, disk or bandwidth');
  switch (limit) {
    case 'mem': return { type: Type.LimitMemory, request: words.isEmpty ? { handle } : { handle, limitInBytes: words.integer('the limit') } };
    case 'disk': return { type: Type.LimitDisk, request: words.isEmpty ? { handle } : { handle, byte: words.integer('the limit') } };
    case 'bandwidth': return { type: Type.LimitBandwidth, request: { handle, rate: words.integer('the rate'), burst: words.integer('the burst') } };
    default: throw unknownCommand(`limit ${limit}`);
  }
}

/** Options of create by their names, checked: they often come from a program without types. */
function createOf(options: object): RequestInit<Type.Create> {
  const request: { -readonly [Key in keyof RequestInit<Type.Create>]: RequestInit<Type.Create>[Key] } = {};
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (value === undefined || value === null) continue;
    switch (name) {
      case 'bind_mounts':
        if (!Array.isArray(value)) throw invalid('bind_mounts of create is a list of [SOURCE, DESTINATION, MODE]');
        request.bindMounts = value.map(bindMountOf);
        break;
      case 'grace_time':
        request.graceTime = Number(integerOf('grace_time of create', typeof value === 'number' ? String(Math.trunc(value)) : String(value)));
        break;
      case 'handle':
      case 'network':
      case 'rootfs':
        if (typeof value !== 'string') throw invalid(`${name} of create is text`);
        request[name] = value;
        break;
      default:
        throw invalid(`unknown option ${JSON.stringify(name)} of create: there are bind_mounts, grace_time, handle, network, rootfs`);
    }
  }
  return request;
}

function bindMountOf(mount: unknown): NonNullable<Init<RequestInit<Type.Create>>['bindMounts']>[number] {
  const [srcPath, dstPath, given] = Array.isArray(mount) ? mount as unknown[] : [];
  const mode = typeof given === 'object' && given !== null ? (given as { mode?: unknown }).mode : given;
  if (typeof srcPath !== 'string' || typeof dstPath !== 'string') throw invalid('a bind mount of create is [SOURCE, DESTINATION, MODE]');
  if (mode === 'ro') return { srcPath, dstPath, mode: BindMountMode.RO };
  if (mode === 'rw') return { srcPath, dstPath, mode: BindMountMode.RW };
  throw invalid(`the mode of a bind mount is ro or rw, not ${JSON.stringify(mode)}`);
}

function integerOf(what: string, text: string): bigint {
  if (!/^-?\d{1,20}$/.test(text)) throw invalid(`${what} is a whole number, not ${JSON.stringify(text)}`);
  return BigInt(text);
}

function unknownCommand(command: string): WardenError {
  return new WardenError('invalid_argument', `Unknown command: ${command}`);
}

function invalid(message: string): WardenError {
  return new WardenError('invalid_argument', message);
}
