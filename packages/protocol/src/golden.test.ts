// Replays test/golden/vectors.json, made by an encoder that shares nothing with this package (test/golden/make.py).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { isRequired, shortName } from './descriptor.js';
import { WardenError } from './error.js';
import { encodeFrame, FrameDecoder } from './framing.js';
import { CreateRequest_BindMount_ModeSchema } from './gen/lifecycle_pb.js';
import { ErrorResponseSchema, Message_TypeSchema } from './gen/envelope_pb.js';
import { NetInRequest_PortProtocolSchema, NetOutRequest_ProtocolSchema } from './gen/net_pb.js';
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse, messageTypes, type RequestType, requestTypes, Type } from './messages.js';
import { encodeEnvelope, encodeMessage } from './encode.js';
import { withTraceparent } from './trace-field.js';

interface Field { rule: 'required' | 'optional' | 'repeated'; name: string; kind: string; number: number }
interface Vector { message: string; type: number; direction: 'request' | 'response'; case: 'full' | 'added' | 'extended' | 'minimal' | 'missing' | 'traced'; frame: string; value: unknown; field?: string; traceparent?: string }
interface Golden {
  types: Record<string, number>; enums: Record<string, Record<string, number>>; messages: Record<string, Field[]>;
  addedTypes: Record<string, number>; addedFields: Record<string, Field[]>; addedMessages: Record<string, Field[]>;
  vectors: Vector[];
}

const golden = JSON.parse(readFileSync(new URL('../../../test/golden/vectors.json', import.meta.url), 'utf8'), (_key, value: unknown) => {
  if (typeof value === 'object' && value !== null && 'uint64' in value) return BigInt(String(value.uint64));
  if (typeof value === 'object' && value !== null && 'bytes' in value && typeof value.bytes === 'string') return Buffer.from(value.bytes, 'hex');
  return value;
}) as Golden;

/** The payloads of a byte stream cut in two. */
function payloads(first: Uint8Array, second: Uint8Array): Uint8Array[] {
  const decoder = new FrameDecoder();
  const found: Uint8Array[] = [];
  for (const chunk of [first, second]) {
    decoder.push(chunk);
    for (let payload = decoder.next(); payload !== undefined; payload = decoder.next()) found.push(payload);
  }
  decoder.end();
  return found;
}

function decode(vector: Vector, payload: Uint8Array): { type: number; value: unknown } {
  if (vector.direction === 'request') {
    const { type, request, traceparent } = decodeRequest(payload);
    assert.equal(traceparent, vector.traceparent);
    return { type, value: request };
  }
  const { type, response } = decodeResponse(payload);
  return { type, value: response };
}

function encode(vector: Vector, value: unknown): Buffer {
  if (vector.type === Type.Error) return encodeEnvelope(Type.Error, encodeMessage(ErrorResponseSchema, value as never));
  const type = vector.type as RequestType;
  if (vector.direction === 'response') return encodeResponse(type, value as never);
  const frame = encodeRequest(type, value as never);
  return vector.traceparent === undefined ? frame : withTraceparent(frame, vector.traceparent);
}

describe('golden vectors', () => {
  for (const vector of golden.vectors) {
    const bytes = Buffer.from(vector.frame, 'hex');
    if (vector.case === 'missing') {
      it(`${vector.message} without ${vector.field} names what is missing, at every split point`, () => {
        for (let at = 0; at <= bytes.length; at++) {
          const [payload] = payloads(bytes.subarray(0, at), bytes.subarray(at)) as [Uint8Array];
          assert.throws(() => decode(vector, payload), (error) => error instanceof WardenError && error.code === 'invalid_argument'
            && error.message.includes(vector.message) && error.message.includes(`required field ${vector.field} is missing`));
        }
      });
      continue;
    }
    it(`${vector.message}, ${vector.case}, decodes at every split point`, () => {
      const expected = { type: vector.type, value: vector.value };
      for (let at = 0; at <= bytes.length; at++) {
        const found = payloads(bytes.subarray(0, at), bytes.subarray(at));
        assert.equal(found.length, 1);
        // Decoded deeply once and a hundred times over; at the other split points it is enough that the payload is the same.
        if (at === 0 || at % 97 === 0) assert.deepEqual(normalise(decode(vector, found[0] as Uint8Array)), normalise(expected));
        assert.ok(encodeFrame(found[0] as Uint8Array).equals(bytes));
      }
    });
    if (vector.case === 'extended') continue;
    it(`${vector.message}, ${vector.case}, encodes to the same bytes`, () => {
      assert.equal(encode(vector, vector.value).toString('hex'), vector.frame);
    });
  }

  it('covers every message of every type', () => {
    const covered = new Set(golden.vectors.map((vector) => `${vector.message} ${vector.case}`));
    for (const type of requestTypes) {
      for (const desc of [messageTypes[type].request, messageTypes[type].response]) {
        for (const kind of ['full', 'extended', 'minimal']) assert.ok(covered.has(`${shortName(desc)} ${kind}`), `${shortName(desc)} ${kind}`);
      }
    }
    for (const name of Object.keys(golden.addedFields)) assert.ok(covered.has(`${name} added`), name);
  });
});

/** Views and buffers of equal bytes are equal. */
function normalise(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(normalise);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, normalise(inner)]));
  return value;
}

function kindOf(field: DescField): string {
  const name = field.message?.name ?? field.enum?.name;
  if (name !== undefined) return name;
  return ScalarType[field.scalar as ScalarType]!.toLowerCase();
}

function* messagesWithin(desc: DescMessage): Generator<DescMessage> {
  yield desc;
  for (const field of desc.fields) if (field.message !== undefined) yield* messagesWithin(field.message);
}

describe('the frozen table', () => {
  const described = new Map<string, DescMessage>();
  for (const row of requestTypes.map((type) => messageTypes[type])) {
    for (const desc of [row.request, row.response]) for (const message of messagesWithin(desc)) described.set(message.name, message);
  }
  described.set('ErrorResponse', ErrorResponseSchema);

  it('has the messages we have, and we have its', () => {
    assert.deepEqual([...described.keys()].sort(), [...Object.keys(golden.messages), ...Object.keys(golden.addedMessages)].sort());
  });

  const fieldsOf = (name: string): Field[] => (described.get(name) as DescMessage).fields.map((field): Field => ({
    rule: field.fieldKind === 'list' ? 'repeated' : isRequired(field) ? 'required' : 'optional', name: field.name, kind: kindOf(field), number: field.number }));

  for (const [name, fields] of Object.entries(golden.messages)) {
    it(`${name} has its fields, and others only as optional ones from 1000 up`, () => {
      const ours = fieldsOf(name);
      assert.deepEqual(ours.filter((field) => field.number < 1000), fields);
      assert.deepEqual(ours.filter((field) => field.number >= 1000), golden.addedFields[name] ?? []);
      assert.ok(ours.every((field) => field.number < 1000 || field.rule !== 'required'));
    });
  }

  for (const [name, fields] of Object.entries(golden.addedMessages)) {
    it(`${name}, an addition, has its fields`, () => assert.deepEqual(fieldsOf(name), fields));
  }

  it('has the numbers of types and enums', () => {
    const numbers = (values: readonly { name: string; number: number }[]): Record<string, number> => Object.fromEntries(values.map(({ name, number }) => [name, number]));
    assert.deepEqual(numbers(Message_TypeSchema.values.filter((value) => value.number < 1000)), golden.types);
    assert.deepEqual(numbers(Message_TypeSchema.values.filter((value) => value.number >= 1000)), golden.addedTypes);
    assert.deepEqual(numbers(CreateRequest_BindMount_ModeSchema.values), golden.enums['Mode']);
    assert.deepEqual(numbers(NetOutRequest_ProtocolSchema.values), golden.enums['Protocol']);
    assert.deepEqual(numbers(NetInRequest_PortProtocolSchema.values), golden.enums['PortProtocol']);
  });
});
