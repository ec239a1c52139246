// The v1 mode: answers as plain values, text, numbers, lists and hashes.
import { StringDecoder } from 'node:string_decoder';
import { messageTypes, type RequestType, type ResponseOf, Type, WardenError } from 'warden-protocol';

/** What a command is answered with. What is not there is null; a number is a bigint where a number could not say it exactly. */
export type V1Value = string | number | bigint | boolean | null | readonly V1Value[] | { readonly [name: string]: V1Value };

/** A piece of a stream, or its end: the stream's name, what was written, and the status in the last one. */
export type V1StreamValue = readonly [name: string | null, data: string | null, exitStatus: number | null];

type Field = (typeof messageTypes)[RequestType]['response']['fields'][number];

/** The values that the replies to one request stand for. Output is decoded as UTF-8, characters that lie in two replies too. */
export class V1Reply {
  readonly #type: RequestType;
  readonly #decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };

  constructor(type: RequestType) {
    this.#type = type;
  }

  /** Throws unsupported for a type that has no v1 form. */
  value(response: object): V1Value {
    switch (this.#type) {
      case Type.Ping: return 'pong';
      case Type.Create: return (response as ResponseOf<Type.Create>).handle;
      case Type.Stop: case Type.Destroy: case Type.NetOut: case Type.CopyIn: case Type.CopyOut: return 'ok';
      case Type.Spawn: return (response as ResponseOf<Type.Spawn>).jobId;
      case Type.Link: case Type.Run: return resultOf(response as ResponseOf<Type.Link>);
      case Type.Stream: return this.#piece(response as ResponseOf<Type.Stream>);
      case Type.NetIn: {
        const { hostPort, containerPort } = response as ResponseOf<Type.NetIn>;
        return { host_port: hostPort, container_port: containerPort };
      }
      case Type.LimitMemory: return numberOf((response as ResponseOf<Type.LimitMemory>).limitInBytes);
      case Type.LimitDisk: {
        const { byte, byteLimit } = response as ResponseOf<Type.LimitDisk>;
        return numberOf(byte ?? byteLimit);
      }
      case Type.LimitBandwidth: {
        const { rate, burst } = response as ResponseOf<Type.LimitBandwidth>;
        return `rate: ${rate} burst: ${burst}`;
      }
      case Type.Info: return hashOf(messageTypes[Type.Info].response.fields, response);
      case Type.List: return (response as ResponseOf<Type.List>).handles;
      case Type.Echo: return (response as ResponseOf<Type.Echo>).message;
      default: throw new WardenError('unsupported', `${messageTypes[this.#type].name} has no v1 form`);
    }
  }

  #piece({ name, data, exitStatus }: ResponseOf<Type.Stream>): V1StreamValue {
    const decoder = this.#decoders[name === 'stderr' ? 'stderr' : 'stdout'];
    const text = data === undefined ? null : decoder.write(Buffer.from(data.buffer, data.byteOffset, data.length));
    if (exitStatus === undefined) return [name ?? null, text, null];
    // Half a character at the very end.
    const rest = this.#decoders.stdout.end() + this.#decoders.stderr.end();
    return rest === '' ? [name ?? null, text, exitStatus] : [name ?? 'stdout', (text ?? '') + rest, exitStatus];
  }
}

function resultOf({ exitStatus, stdout, stderr }: ResponseOf<Type.Link>): V1Value {
  return [exitStatus ?? null, textOf(stdout), textOf(stderr)];
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function numberOf(value: bigint | undefined): number | bigint | null {
  if (value === undefined) return null;
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

/** A message as a hash by the names of the protocol, fields that are not set left out. */
function hashOf(fields: readonly Field[], message: object): V1Value {
  const hash: Record<string, V1Value> = {};
  for (const field of fields) {
    const value = (message as Record<string, unknown>)[field.localName];
    if (value !== undefined) hash[field.name] = Array.isArray(value) ? value.map((element) => plainOf(field, element)) : plainOf(field, value);
  }
  return hash;
}

function plainOf(field: Field, value: unknown): V1Value {
  if (field.message !== undefined) return hashOf(field.message.fields, value as object);
  if (typeof value === 'bigint') return numberOf(value);
  return value instanceof Uint8Array ? textOf(value) : value as V1Value;
}
