/**
 * From a container's question to its answer. One with domain rules gets the addresses of the names in its rules, after
 * wardend has opened them, and no such name for all others, without anybody being asked: a name that is looked up is a way to
 * say something to whoever serves it. For one without, everything is passed on as it is.
 */
import { randomInt } from 'node:crypto';
import type { Ipv4Address } from '../lib/ipv4.js';
import type { Client } from './clients.js';
import {
  classInternet, headerSize, isStandardQuery, MalformedMessage, queryId, readQuery, readResponse, RecordType, ResponseCode, writeQuery, writeRefusal, writeReply,
  type AddressRecord, type AliasRecord, type DnsRecord, type Query, type Response,
} from './message.js';
import { NoAnswer, type Transport, type Upstream } from './upstream.js';

/** Names that a name may stand for, one behind the other. */
const aliasLimit = 16;
/** Addresses of one name; a server that has more chooses some of them for each answer. */
const addressLimit = 64;
/** How long an answer counts, and its addresses are open. */
export const ttlMinimumSeconds = 1;
export const ttlMaximumSeconds = 3600;

export interface FoundAddress {
  readonly address: Ipv4Address;
  readonly ttlSeconds: number;
}

/** Opens a name's addresses to a container. @returns those that are open now */
export type OpenAddresses = (client: Ipv4Address, name: string, found: readonly FoundAddress[]) => Promise<readonly Ipv4Address[]>;

export class Answering {
  constructor(
    private readonly upstream: Pick<Upstream, 'ask'>,
    private readonly open: OpenAddresses,
    /** Told why a name could not be looked up, though it might have been. */
    private readonly report: (reason: string) => void,
  ) {}

  /** @returns undefined: there is nothing to be said */
  async answer(client: Client, message: Buffer, transport: Transport): Promise<Buffer | undefined> {
    const id = queryId(message);
    if (id === undefined) return undefined;
    if (!isStandardQuery(message)) return writeRefusal(id, ResponseCode.notImplemented);
    let query: Query;
    try {
      query = readQuery(message);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      return writeRefusal(id, ResponseCode.formatError);
    }
    try {
      return client.isRestricted ? await this.#answerAllowed(client, query, transport) : await this.#passOn(message, query, transport);
    } catch (error) {
      this.report(error instanceof Error ? error.message : String(error));
      return writeReply(query, ResponseCode.serverFailure, [], transport);
    }
  }

  async #answerAllowed(client: Client, query: Query, transport: Transport): Promise<Buffer> {
    const { name, type, class: questionClass } = query.question;
    if (questionClass !== classInternet) return writeReply(query, ResponseCode.refused, [], transport);
    if (name === undefined || !client.mayAsk(name)) return writeReply(query, ResponseCode.noSuchName, [], transport);
    // A container has no IPv6; other records would be of no use to a connection, and are a way to be told something.
    if (type !== RecordType.a) return writeReply(query, ResponseCode.noError, [], transport);
    const { code, aliases, addresses } = await this.#lookUp(name);
    if (code !== ResponseCode.noError || addresses.length === 0) return writeReply(query, code, aliases, transport);
    const open = new Set(await this.open(client.address, name, addresses.map(({ address, ttlSeconds }) => ({ address, ttlSeconds }))));
    return writeReply(query, ResponseCode.noError, [...aliases, ...addresses.filter(({ address }) => open.has(address))], transport);
  }

  /** A name's addresses, through all the names that it stands for; only the last one's are. */
  async #lookUp(name: string): Promise<{ code: number; aliases: AliasRecord[]; addresses: AddressRecord[] }> {
    const aliases: AliasRecord[] = [];
    let current = name;
    for (;;) {
      const { code, records } = await this.#ask(current);
      const before = aliases.length;
      for (let alias = aliasOf(records, current); alias !== undefined; alias = aliasOf(records, current)) {
        aliases.push({ ...alias, ttlSeconds: within(alias.ttlSeconds) });
        if (aliases.length > aliasLimit) throw new NoAnswer(`${name} stands for more than ${aliasLimit} names, one behind the other`);
        current = alias.target;
      }
      const found = records.filter((record): record is AddressRecord => record.kind === 'address' && record.name === current);
      const addresses = found.slice(0, addressLimit).map((record) => ({ ...record, ttlSeconds: within(record.ttlSeconds) }));
      // A server that tells an alias and not what is behind it is asked for that.
      if (code !== ResponseCode.noError || addresses.length > 0 || aliases.length === before) return { code, aliases, addresses };
    }
  }

  async #ask(name: string): Promise<Response> {
    const id = randomInt(0x1_0000);
    const query = writeQuery(id, name);
    const question = { name, type: RecordType.a, class: classInternet };
    const read = (reply: Buffer): Response | undefined => {
      try {
        return readResponse(reply, id, question);
      } catch (error) {
        if (error instanceof MalformedMessage) return undefined;
        throw error;
      }
    };
    const accept = (reply: Buffer): boolean => read(reply) !== undefined;
    const answer = read(await this.upstream.ask(query, 'udp', accept));
    const whole = answer?.truncated === true ? read(await this.upstream.ask(query, 'tcp', accept)) : answer;
    if (whole === undefined || (whole.code !== ResponseCode.noError && whole.code !== ResponseCode.noSuchName)) {
      throw new NoAnswer(`${name}: the name server says error ${whole?.code ?? 'nothing'}`);
    }
    return whole;
  }

  async #passOn(message: Buffer, query: Query, transport: Transport): Promise<Buffer> {
    const id = randomInt(0x1_0000);
    const asked = Buffer.from(message);
    asked.writeUInt16BE(id, 0);
    const question = withoutCase(query.questionBytes);
    const reply = await this.upstream.ask(asked, transport, (candidate) =>
      candidate.length >= headerSize && candidate.readUInt16BE(0) === id && queryId(candidate) === undefined &&
      withoutCase(candidate.subarray(headerSize, headerSize + query.questionBytes.length)) === question,
    );
    const answer = Buffer.from(reply);
    answer.writeUInt16BE(query.id, 0);
    return answer;
  }
}

function aliasOf(records: readonly DnsRecord[], name: string): AliasRecord | undefined {
  return records.find((record): record is AliasRecord => record.kind === 'alias' && record.name === name);
}

function within(ttlSeconds: number): number {
  return Math.min(Math.max(ttlSeconds, ttlMinimumSeconds), ttlMaximumSeconds);
}

/** Servers may give a name back in another case. */
function withoutCase(question: Buffer): string {
  return question.toString('latin1').toLowerCase();
}
