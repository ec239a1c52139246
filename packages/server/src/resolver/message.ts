/**
 * DNS messages: RFC 1035, and the size of UDP answers of RFC 6891. Of what comes in, questions are read strictly; of answers only addresses
 * and aliases are, and records of other types are passed over by their length, whatever is in them. Pure.
 */
import { parseDomainName } from '../lib/domain-name.js';
import { ipv4Bytes, type Ipv4Address } from '../lib/ipv4.js';

export const RecordType = { a: 1, cname: 5, aaaa: 28, opt: 41 } as const;
export const classInternet = 1;
export const ResponseCode = { noError: 0, formatError: 1, serverFailure: 2, noSuchName: 3, notImplemented: 4, refused: 5 } as const;

/** Of every message. */
export const headerSize = 12;
/** Without EDNS. */
const plainUdpLimit = 512;
/** What passes most networks in one piece: the value of DNS flag day 2020. */
export const ednsUdpLimit = 1232;
const optRecord = Uint8Array.of(0, 0, RecordType.opt, ednsUdpLimit >> 8, ednsUdpLimit & 255, 0, 0, 0, 0, 0, 0);

const Flag = { response: 0x8000, opcode: 0x7800, truncated: 0x0200, recursionDesired: 0x0100, recursionAvailable: 0x0080, code: 0x000f } as const;

const labelsLimit = 128;
const recordsLimit = 512;
/** A record that says: the name that was asked for. */
const pointerToQuestion = 0xc000 | headerSize;

export interface Question {
  /** As parseDomainName has it; undefined when it has bytes that no name of a host has. */
  readonly name: string | undefined;
  readonly type: number;
  readonly class: number;
}

export interface Query {
  readonly id: number;
  readonly recursionDesired: boolean;
  readonly question: Question;
  /** As it came, to be given back. */
  readonly questionBytes: Buffer;
  /** Undefined: no EDNS. */
  readonly udpLimit: number | undefined;
}

export interface AddressRecord {
  readonly kind: 'address';
  readonly name: string;
  readonly ttlSeconds: number;
  readonly address: Ipv4Address;
}

export interface AliasRecord {
  readonly kind: 'alias';
  readonly name: string;
  readonly ttlSeconds: number;
  readonly target: string;
}

export type DnsRecord = AddressRecord | AliasRecord;

export interface Response {
  readonly code: number;
  readonly truncated: boolean;
  readonly records: readonly DnsRecord[];
}

/** The bytes are no DNS message, or one that nobody sends who means well. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

interface ReadName {
  readonly name: string | undefined;
  /** Behind the name, where it stands. */
  readonly end: number;
}

/** Follows compression, which may only lead back: so it ends. @throws MalformedMessage */
function readName(bytes: Buffer, start: number): ReadName {
  const labels: string[] = [];
  let end: number | undefined;
  let at = start;
  let lowest = start;
  let isPlain = true;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) throw new MalformedMessage('a name goes on behind the message');
    if (length === 0) break;
    if (length < 64) {
      if (at + 1 + length > bytes.length) throw new MalformedMessage('a label goes on behind the message');
      if (labels.push(bytes.toString('latin1', at + 1, at + 1 + length)) > labelsLimit) throw new MalformedMessage('a name has too many labels');
      isPlain &&= !bytes.subarray(at + 1, at + 1 + length).includes(0x2e);
      at += 1 + length;
    } else {
      if (length < 0xc0 || at + 2 > bytes.length) throw new MalformedMessage('a label of an unknown kind');
      end ??= at + 2;
      at = bytes.readUInt16BE(at) & 0x3fff;
      if (at >= lowest) throw new MalformedMessage('a name is compressed by what comes behind it');
      lowest = at;
    }
  }
  return { name: isPlain ? parseDomainName(labels.join('.')) : undefined, end: end ?? at + 1 };
}

function requireBytes(bytes: Buffer, end: number): void {
  if (end > bytes.length) throw new MalformedMessage('the message is cut off');
}

interface RawRecord {
  readonly name: string | undefined;
  readonly type: number;
  readonly class: number;
  readonly ttlSeconds: number;
  readonly dataStart: number;
  readonly end: number;
}

/** @throws MalformedMessage */
function readRecord(bytes: Buffer, start: number): RawRecord {
  const { name, end: at } = readName(bytes, start);
  requireBytes(bytes, at + 10);
  const dataStart = at + 10;
  const end = dataStart + bytes.readUInt16BE(at + 8);
  requireBytes(bytes, end);
  // A time with its highest bit set is none: RFC 2181, 8.
  const ttl = bytes.readUInt32BE(at + 4);
  return { name, type: bytes.readUInt16BE(at), class: bytes.readUInt16BE(at + 2), ttlSeconds: ttl > 0x7fff_ffff ? 0 : ttl, dataStart, end };
}

/** @throws MalformedMessage */
function readQuestion(bytes: Buffer): { readonly question: Question; readonly end: number } {
  const { name, end } = readName(bytes, headerSize);
  requireBytes(bytes, end + 4);
  return { question: { name, type: bytes.readUInt16BE(end), class: bytes.readUInt16BE(end + 2) }, end: end + 4 };
}

/** Of a message that is long enough to have one; undefined when it is an answer, which is never answered. */
export function queryId(bytes: Buffer): number | undefined {
  return bytes.length < headerSize || (bytes.readUInt16BE(2) & Flag.response) !== 0 ? undefined : bytes.readUInt16BE(0);
}

/** Whether a query is of the only kind that is answered; others are updates, notifications and the like. */
export function isStandardQuery(bytes: Buffer): boolean {
  return (bytes.readUInt16BE(2) & Flag.opcode) === 0;
}

/** Reads a query with one question. @throws MalformedMessage */
export function readQuery(bytes: Buffer): Query {
  requireBytes(bytes, headerSize);
  const flags = bytes.readUInt16BE(2);
  if ((flags & Flag.response) !== 0) throw new MalformedMessage('an answer, where a question should be');
  const [questions, answers, authorities, additions] = [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at));
  if (questions !== 1 || answers !== 0 || authorities !== 0 || additions === undefined || additions > 4) throw new MalformedMessage('not one question');
  const { question, end } = readQuestion(bytes);
  let at = end;
  let udpLimit: number | undefined;
  for (let count = 0; count < additions; count++) {
    const record = readRecord(bytes, at);
    if (record.type === RecordType.opt) udpLimit = Math.min(Math.max(record.class, plainUdpLimit), ednsUdpLimit);
    at = record.end;
  }
  return { id: bytes.readUInt16BE(0), recursionDesired: (flags & Flag.recursionDesired) !== 0, question, questionBytes: bytes.subarray(headerSize, end), udpLimit };
}

/**
 * Reads the answer to a question that was asked with this id.
 * @throws MalformedMessage also when it is the answer to something else
 */
export function readResponse(bytes: Buffer, id: number, asked: Question): Response {
  requireBytes(bytes, headerSize);
  const flags = bytes.readUInt16BE(2);
  if ((flags & Flag.response) === 0 || bytes.readUInt16BE(0) !== id || bytes.readUInt16BE(4) !== 1) throw new MalformedMessage('not the answer to this question');
  const { question, end } = readQuestion(bytes);
  if (question.name !== asked.name || question.type !== asked.type || question.class !== asked.class) throw new MalformedMessage('the answer to another question');
  const truncated = (flags & Flag.truncated) !== 0;
  const records: DnsRecord[] = [];
  const count = truncated ? 0 : Math.min(bytes.readUInt16BE(6), recordsLimit);
  let at = end;
  for (let index = 0; index < count; index++) {
    const raw = readRecord(bytes, at);
    const record = readAnswer(bytes, raw);
    if (record !== undefined) records.push(record);
    at = raw.end;
  }
  return { code: flags & Flag.code, truncated, records };
}

function readAnswer(bytes: Buffer, { name, type, class: recordClass, ttlSeconds, dataStart, end }: RawRecord): DnsRecord | undefined {
  if (name === undefined || recordClass !== classInternet) return undefined;
  if (type === RecordType.a && end - dataStart === 4) return { kind: 'address', name, ttlSeconds, address: bytes.readUInt32BE(dataStart) };
  if (type !== RecordType.cname) return undefined;
  const target = readName(bytes, dataStart);
  return target.name === undefined || target.end !== end ? undefined : { kind: 'alias', name, ttlSeconds, target: target.name };
}

/** A name that parseDomainName has passed, uncompressed. */
function writeName(name: string): Buffer {
  return Buffer.concat([...name.split('.').flatMap((label) => [Buffer.of(label.length), Buffer.from(label, 'latin1')]), Buffer.of(0)]);
}

function header(id: number, flags: number, answers: number, additions: number): Buffer {
  const bytes = Buffer.alloc(headerSize);
  for (const [index, value] of [id, flags, 1, answers, 0, additions].entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

/** Asks for a name's addresses, or records of another type, with recursion. */
export function writeQuery(id: number, name: string, type: number = RecordType.a): Buffer {
  const question = Buffer.alloc(4);
  question.writeUInt16BE(type, 0);
  question.writeUInt16BE(classInternet, 2);
  return Buffer.concat([header(id, Flag.recursionDesired, 0, 1), writeName(name), question, optRecord]);
}

function writeRecord(record: DnsRecord, askedName: string | undefined): Buffer {
  const owner = record.name === askedName ? Buffer.of(pointerToQuestion >> 8, pointerToQuestion & 255) : writeName(record.name);
  const data = record.kind === 'address' ? ipv4Bytes(record.address) : writeName(record.target);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(record.kind === 'address' ? RecordType.a : RecordType.cname, 0);
  fixed.writeUInt16BE(classInternet, 2);
  fixed.writeUInt32BE(record.ttlSeconds, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, fixed, data]);
}

/**
 * The answer to a query. What does not fit into a datagram is left out, all of it, and the answer says so: the client asks again by TCP.
 * @param transport by which it goes
 */
export function writeReply(query: Query, code: number, records: readonly DnsRecord[], transport: 'udp' | 'tcp'): Buffer {
  const base = Flag.response | Flag.recursionAvailable | (query.recursionDesired ? Flag.recursionDesired : 0) | code;
  const additions = query.udpLimit === undefined ? [] : [optRecord];
  const written = records.map((record) => writeRecord(record, query.question.name));
  const whole = Buffer.concat([header(query.id, base, records.length, additions.length), query.questionBytes, ...written, ...additions]);
  if (transport === 'tcp' || whole.length <= (query.udpLimit ?? plainUdpLimit)) return whole;
  return Buffer.concat([header(query.id, base | Flag.truncated, 0, additions.length), query.questionBytes, ...additions]);
}

/** The answer to a message whose question cannot be read: a header alone. */
export function writeRefusal(id: number, code: number): Buffer {
  const bytes = header(id, Flag.response | code, 0, 0);
  bytes.writeUInt16BE(0, 4);
  return bytes;
}

