// The one table of message types, and encoding and decoding over it. A payload (what a FrameDecoder hands out) is an
// envelope: a type number and the encoded request or response of that type.
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { decodeBy, type DecodeOptions, MessageError, type MessageReader, type PlainObject, readerOf } from './decode.js';
import { encodeEnvelope, EncodedMessage, encodeMessage, encodeWithData } from './encode.js';
import { isErrorCode, WardenError } from './error.js';
import { ErrorResponseSchema, Message_Type as Type, MessageSchema } from './gen/envelope_pb.js';
import { CopyInRequestSchema, CopyInResponseSchema, CopyOutRequestSchema, CopyOutResponseSchema } from './gen/copy_pb.js';
import { ReadFileRequestSchema, ReadFileResponseSchema, WriteFileRequestSchema, WriteFileResponseSchema, TransferDataRequestSchema, TransferDataResponseSchema, ListFilesRequestSchema, ListFilesResponseSchema,
  StatFileRequestSchema, StatFileResponseSchema, MakeDirectoryRequestSchema, MakeDirectoryResponseSchema, RemoveFileRequestSchema, RemoveFileResponseSchema, RenameFileRequestSchema, RenameFileResponseSchema,
  TarInRequestSchema, TarInResponseSchema, TarOutRequestSchema, TarOutResponseSchema } from './gen/files_pb.js';
import { ImageImportRequestSchema, ImageImportResponseSchema, ImageInspectRequestSchema, ImageInspectResponseSchema, ImageListRequestSchema, ImageListResponseSchema,
  ImagePullRequestSchema, ImagePullResponseSchema, ImageRemoveRequestSchema, ImageRemoveResponseSchema, RootfsListRequestSchema, RootfsListResponseSchema,
  RootfsSetRequestSchema, RootfsSetResponseSchema } from './gen/image_pb.js';
import { EventsRequestSchema, EventsResponseSchema } from './gen/events_pb.js';
import { InputRequestSchema, InputResponseSchema, JobsRequestSchema, JobsResponseSchema, LinkRequestSchema, LinkResponseSchema, LogsRequestSchema, LogsResponseSchema,
  ResizeRequestSchema, ResizeResponseSchema, RunRequestSchema, RunResponseSchema, SignalRequestSchema, SignalResponseSchema, SpawnRequestSchema, SpawnResponseSchema,
  StreamRequestSchema, StreamResponseSchema } from './gen/job_pb.js';
import { CreateRequestSchema, CreateResponseSchema, DestroyRequestSchema, DestroyResponseSchema, InfoRequestSchema, InfoResponseSchema,
  StopRequestSchema, StopResponseSchema } from './gen/lifecycle_pb.js';
import { LimitBandwidthRequestSchema, LimitBandwidthResponseSchema, LimitCpuRequestSchema, LimitCpuResponseSchema, LimitDiskRequestSchema,
  LimitDiskResponseSchema, LimitMemoryRequestSchema, LimitMemoryResponseSchema, LimitPidsRequestSchema, LimitPidsResponseSchema } from './gen/limit_pb.js';
import { NetInRequestSchema, NetInResponseSchema, NetOutRequestSchema, NetOutResponseSchema } from './gen/net_pb.js';
import type { ErrorResponse, PlainTypes } from './gen/plain.js';
import { ProcessesRequestSchema, ProcessesResponseSchema } from './gen/process_pb.js';
import { TRACEPARENT_NUMBER, traceparentOf } from './trace-field.js';
import { EchoRequestSchema, EchoResponseSchema, ListRequestSchema, ListResponseSchema, PingRequestSchema, PingResponseSchema } from './gen/server_pb.js';

export { Type };

/** Every type but Error, which is only ever an answer. */
export type RequestType = Exclude<Type, Type.Error>;

interface Row<Name extends string = string, Request extends DescMessage = DescMessage, Response extends DescMessage = DescMessage> {
  /** The name as commands and logs spell it. */
  readonly name: Name;
  readonly request: Request;
  readonly response: Response;
}

function row<const Name extends string, Request extends DescMessage, Response extends DescMessage>(
  name: Name, request: Request, response: Response): Row<Name, Request, Response> {
  return { name, request, response };
}

export const messageTypes = {
  [Type.Create]: row('create', CreateRequestSchema, CreateResponseSchema),
  [Type.Stop]: row('stop', StopRequestSchema, StopResponseSchema),
  [Type.Destroy]: row('destroy', DestroyRequestSchema, DestroyResponseSchema),
  [Type.Info]: row('info', InfoRequestSchema, InfoResponseSchema),
  [Type.Spawn]: row('spawn', SpawnRequestSchema, SpawnResponseSchema),
  [Type.Link]: row('link', LinkRequestSchema, LinkResponseSchema),
  [Type.Run]: row('run', RunRequestSchema, RunResponseSchema),
  [Type.Stream]: row('stream', StreamRequestSchema, StreamResponseSchema),
  [Type.NetIn]: row('net_in', NetInRequestSchema, NetInResponseSchema),
  [Type.NetOut]: row('net_out', NetOutRequestSchema, NetOutResponseSchema),
  [Type.CopyIn]: row('copy_in', CopyInRequestSchema, CopyInResponseSchema),
  [Type.CopyOut]: row('copy_out', CopyOutRequestSchema, CopyOutResponseSchema),
  [Type.LimitMemory]: row('limit_memory', LimitMemoryRequestSchema, LimitMemoryResponseSchema),
  [Type.LimitDisk]: row('limit_disk', LimitDiskRequestSchema, LimitDiskResponseSchema),
  [Type.LimitBandwidth]: row('limit_bandwidth', LimitBandwidthRequestSchema, LimitBandwidthResponseSchema),
  [Type.LimitCpu]: row('limit_cpu', LimitCpuRequestSchema, LimitCpuResponseSchema),
  [Type.Ping]: row('ping', PingRequestSchema, PingResponseSchema),
  [Type.List]: row('list', ListRequestSchema, ListResponseSchema),
  [Type.Echo]: row('echo', EchoRequestSchema, EchoResponseSchema),
  [Type.Input]: row('input', InputRequestSchema, InputResponseSchema),
  [Type.Resize]: row('resize', ResizeRequestSchema, ResizeResponseSchema),
  [Type.Signal]: row('signal', SignalRequestSchema, SignalResponseSchema),
  [Type.Jobs]: row('jobs', JobsRequestSchema, JobsResponseSchema),
  [Type.Logs]: row('logs', LogsRequestSchema, LogsResponseSchema),
  [Type.ReadFile]: row('read_file', ReadFileRequestSchema, ReadFileResponseSchema),
  [Type.WriteFile]: row('write_file', WriteFileRequestSchema, WriteFileResponseSchema),
  [Type.TransferData]: row('transfer_data', TransferDataRequestSchema, TransferDataResponseSchema),
  [Type.ListFiles]: row('list_files', ListFilesRequestSchema, ListFilesResponseSchema),
  [Type.StatFile]: row('stat_file', StatFileRequestSchema, StatFileResponseSchema),
  [Type.MakeDirectory]: row('make_directory', MakeDirectoryRequestSchema, MakeDirectoryResponseSchema),
  [Type.RemoveFile]: row('remove_file', RemoveFileRequestSchema, RemoveFileResponseSchema),
  [Type.RenameFile]: row('rename_file', RenameFileRequestSchema, RenameFileResponseSchema),
  [Type.TarIn]: row('tar_in', TarInRequestSchema, TarInResponseSchema),
  [Type.TarOut]: row('tar_out', TarOutRequestSchema, TarOutResponseSchema),
  [Type.ImageImport]: row('image_import', ImageImportRequestSchema, ImageImportResponseSchema),
  [Type.ImagePull]: row('image_pull', ImagePullRequestSchema, ImagePullResponseSchema),
  [Type.ImageList]: row('image_list', ImageListRequestSchema, ImageListResponseSchema),
  [Type.ImageInspect]: row('image_inspect', ImageInspectRequestSchema, ImageInspectResponseSchema),
  [Type.ImageRemove]: row('image_remove', ImageRemoveRequestSchema, ImageRemoveResponseSchema),
  [Type.RootfsList]: row('rootfs_list', RootfsListRequestSchema, RootfsListResponseSchema),
  [Type.RootfsSet]: row('rootfs_set', RootfsSetRequestSchema, RootfsSetResponseSchema),
  [Type.Events]: row('events', EventsRequestSchema, EventsResponseSchema),
  [Type.Processes]: row('processes', ProcessesRequestSchema, ProcessesResponseSchema),
  [Type.LimitPids]: row('limit_pids', LimitPidsRequestSchema, LimitPidsResponseSchema),
} as const satisfies Record<RequestType, Row>;

type Table = typeof messageTypes;

/** The plain interface of a schema. */
type Plain<Schema extends DescMessage> = PlainTypes[MessageShape<Schema>['$typeName'] & keyof PlainTypes];

/** The request of a type, as decoded. */
export type RequestOf<T extends RequestType> = Plain<Table[T]['request']>;

/** The response of a type, as decoded. */
export type ResponseOf<T extends RequestType> = Plain<Table[T]['response']>;

export type RequestName = Table[RequestType]['name'];

/** From a name to its type: "create" to Type.Create. */
export type TypeOfName<Name extends RequestName> = { [T in RequestType]: Table[T]['name'] extends Name ? T : never }[RequestType];

type Leaf = string | number | bigint | boolean | undefined | Uint8Array;

/** A message to be encoded: as decoded, but lists may be left out, also in nested messages, and a container's information, or of that the statistics of memory, be encoded already. */
export type Init<M> = M extends Leaf ? M : M extends readonly (infer Element)[] ? readonly Init<Element>[]
  : { readonly [K in keyof M as M[K] extends readonly unknown[] ? never : K]: Init<M[K]> | (K extends 'memoryStat' | 'info' ? EncodedMessage : never) }
    & { readonly [K in keyof M as M[K] extends readonly unknown[] ? K : never]?: Init<M[K]> | undefined };

export type RequestInit<T extends RequestType> = Init<RequestOf<T>>;
export type ResponseInit<T extends RequestType> = Init<ResponseOf<T>>;

/** A decoded request with its type, to be told apart by it, and with the traceparent that came with it, if there was one: any text. */
export type AnyRequest = { [T in RequestType]: { type: T; request: RequestOf<T>; traceparent?: string } }[RequestType];

/** A decoded response with its type, an error reply among them. */
export type AnyResponse = { [T in RequestType]: { type: T; response: ResponseOf<T> } }[RequestType] | { type: Type.Error; response: ErrorResponse };

export const requestTypes: readonly RequestType[] = Object.keys(messageTypes).map(Number);

/** How messages are read, by their types. Made when the first of them comes: a program has few kinds of them. */
class Readers {
  readonly #descs: ReadonlyMap<number, DescMessage>;
  readonly #readers: (MessageReader | undefined)[] = [];

  constructor(side: 'request' | 'response', more: readonly (readonly [number, DescMessage])[]) {
    this.#descs = new Map<number, DescMessage>([...requestTypes.map((type) => [type, messageTypes[type][side]] as const), ...more]);
  }

  of(type: number): MessageReader | undefined {
    return type > 0 && type < this.#readers.length ? this.#readers[type] ?? this.#make(type) : this.#make(type);
  }

  #make(type: number): MessageReader | undefined {
    const desc = this.#descs.get(type);
    if (desc === undefined) return undefined;
    while (this.#readers.length <= type) this.#readers.push(undefined);
    return this.#readers[type] = readerOf(desc);
  }
}

const requestReaders = new Readers('request', []);
const responseReaders = new Readers('response', [[Type.Error, ErrorResponseSchema]]);
const typesByName: ReadonlyMap<string, RequestType> = new Map(requestTypes.map((type) => [messageTypes[type].name, type]));

/** The type with that name, or undefined. */
export function requestTypeOf(name: string): RequestType | undefined {
  return typesByName.get(name);
}

/** Frames of messages without fields never change: they are made once. */
const emptyFrames: ReadonlyMap<number, Buffer> = new Map(requestTypes.map((type) => [type, encodeEnvelope(type, new Uint8Array(0))]));

/** Bytes of a request's data from which on it is not written like other fields. */
const LARGE_DATA = 4 * 1024;

function encode(type: number, desc: DescMessage, message: unknown): Buffer {
  if (desc.fields.length === 0) return emptyFrames.get(type) as Buffer;
  return encodeEnvelope(type, encodeMessage(desc, message as PlainObject));
}

/**
 * The whole frame of a request. Throws invalid_argument. The buffer may be shared: do not write into it.
 * @param memory where the frame of a request with much data is written to, if it has room
 */
export function encodeRequest<T extends RequestType>(type: T, request: RequestInit<T>, memory?: Buffer): Buffer {
  if (type === Type.TransferData || type === Type.WriteFile || type === Type.Input) {
    const { data } = request as { readonly data?: unknown };
    if (data instanceof Uint8Array && data.length >= LARGE_DATA) return encodeWithData(type, messageTypes[type].request, request as { readonly data: Uint8Array }, memory);
  }
  return encode(type, messageTypes[type].request, request);
}

/** The whole frame of a response. Throws invalid_argument. The buffer may be shared: do not write into it. */
export function encodeResponse<T extends RequestType>(type: T, response: ResponseInit<T>): Buffer {
  return encode(type, messageTypes[type].response, response);
}

/** Some fields of an information, for an EncodedMessage: what belongs to one may be put behind each other. Throws invalid_argument. */
export function encodeInfo(info: Partial<ResponseInit<Type.Info>>): Uint8Array {
  return encodeMessage(InfoResponseSchema, info as PlainObject);
}

/** The whole frame of an error reply. */
export function encodeError(error: WardenError): Buffer {
  const response: Init<ErrorResponse> = { message: error.message, data: error.code };
  return encodeEnvelope(Type.Error, encodeMessage(ErrorResponseSchema, response));
}

/**
 * Decodes the payload of a frame a client sent. Throws a MessageError (code protocol) when the connection must be closed,
 * a WardenError with code invalid_argument when an error reply is enough.
 */
export function decodeRequest(payload: Uint8Array): AnyRequest {
  const start = plainBody(payload);
  if (start > 0) {
    const type = payload[1] as number;
    return { type, request: decodeBy(requestReader(type), payload, start, strictOptions) } as unknown as AnyRequest;
  }
  const { type, body, traceparent } = readAnyEnvelope(payload);
  const request = decodeBy(requestReader(type), body, 0, strictOptions);
  return (traceparent === undefined ? { type, request } : { type, request, traceparent }) as AnyRequest;
}

function requestReader(type: number): MessageReader {
  const reader = requestReaders.of(type);
  if (reader === undefined) throw new MessageError(type === Type.Error ? 'an error reply is not a request' : `unknown message type ${type}`);
  return reader;
}

export interface ResponseOptions {
  /** The info in the reply of a job is decoded when it is read first, which then throws what is wrong with it: few who run a job ask for it. */
  readonly lateInfo?: boolean;
  /** Bytes of fewer are copied out of the payload, Infinity: all. Views of it unless given. */
  readonly copyBelow?: number;
}

/**
 * Decodes the payload of a frame a server sent; an error reply is a value too. Throws a MessageError, or invalid_argument for a reply that lacks a field.
 */
export function decodeResponse(payload: Uint8Array, { lateInfo = false, copyBelow = 0 }: ResponseOptions = {}): AnyResponse {
  const start = plainBody(payload);
  const { type, body } = start > 0 ? { type: payload[1] as number, body: payload } : readAnyEnvelope(payload);
  const reader = responseReaders.of(type);
  if (reader === undefined) throw new MessageError(`unknown message type ${type}`);
  return { type, response: decodeBy(reader, body, start, { strictText: false, late: lateInfo ? InfoResponseSchema : undefined, copyBelow }) } as unknown as AnyResponse;
}

const strictOptions: DecodeOptions = { strictText: true };

/** The error an error reply stands for. Texts that are none of our codes are kept as `data` of an internal error. */
export function errorOfResponse(response: ErrorResponse): WardenError {
  const text = response.data ?? '';
  const code = isErrorCode(text) ? text : codeInJson(text);
  const message = response.message ?? 'the server answered with an error and no message';
  return new WardenError(code ?? 'internal', message, text === '' || text === code ? {} : { data: text });
}

/** `{"code": "not_found", …}`, which servers with more to say than a code may send. */
function codeInJson(text: string): WardenError['code'] | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const code: unknown = (JSON.parse(text) as { code?: unknown }).code;
    return typeof code === 'string' && isErrorCode(code) ? code : undefined;
  } catch {
    return undefined;
  }
}

export interface Envelope {
  type: number;
  /** The encoded request or response: a view of the payload. */
  body: Uint8Array;
  /** As it came, if it is there: any text. */
  traceparent?: string | undefined;
}

/** Opens an envelope without looking at what is in it. Throws a MessageError. */
export function decodeEnvelope(payload: Uint8Array): Envelope {
  const start = plainBody(payload);
  return start > 0 ? { type: payload[1] as number, body: payload.subarray(start) } : readAnyEnvelope(payload);
}

/** Where the body begins in the form every encoder writes: type in one byte, then payload, nothing else. 0 when it is not that. */
function plainBody(payload: Uint8Array): number {
  if (payload.length < 4 || payload[0] !== 0x08) return 0;
  if ((payload[1] as number) >= 0x80 || payload[2] !== 0x12) return 0;
  let length = 0;
  let offset = 3;
  for (let scale = 1; offset < 7; scale *= 0x80) {
    const byte = payload[offset++];
    if (byte === undefined) return 0;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) return payload.length - offset === length ? offset : 0;
  }
  return 0;
}

/** Any other order of fields, unknown fields among them, as protobuf allows. */
function readAnyEnvelope(payload: Uint8Array): Envelope {
  let type: number | undefined;
  let body: Uint8Array | undefined;
  let traceparent: string | undefined;
  try {
    const reader = new BinaryReader(payload);
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      if (number === 1 && wireType === 0) type = reader.int32();
      else if (number === 2 && wireType === 2) body = reader.bytes();
      else if (number === TRACEPARENT_NUMBER && wireType === 2) traceparent = traceparentOf(reader.bytes());
      else reader.skip(wireType, number, 32);
    }
  } catch (reason) {
    throw new MessageError(`cannot decode Message: ${reason instanceof Error ? reason.message : String(reason)}`, reason);
  }
  if (type === undefined || body === undefined) {
    throw new MessageError(`Message: the required field ${MessageSchema.field[type === undefined ? 'type' : 'payload'].name} is missing`);
  }
  return traceparent === undefined ? { type, body } : { type, body, traceparent };
}
