// The fields of a request as flags: `--handle x`, `--privileged`, `--rlimits.nofile 64`, `--bind_mounts[0].src_path x`. A
// list of plain values is written with or without numbers: `--env A=1 --env B=2` is `--env[0] A=1 --env[1] B=2`.
// Names are looked up in the message's descriptor, so that nothing can be set that is no field.
import { type DescField, type DescMessage, fieldComments, isRequired, ScalarType, WardenError } from 'warden-protocol';

/** One flag a command takes. */
export interface Flag {
  /** As it is written, without the dashes; [N] stands for an index. */
  readonly name: string;
  readonly field: DescField;
  readonly rule: 'required' | 'repeated' | 'optional';
}

/** Elements of one repeated field that a command may name. */
const MAX_ELEMENTS = 1000;

type Fields = Record<string, unknown>;

/** Every flag of a message, nested ones flattened, in the order of the protocol. */
export function flagsOf(desc: DescMessage, prefix = '', rule?: Flag['rule']): Flag[] {
  return desc.fields.flatMap((field) => {
    const list = field.fieldKind === 'list';
    const name = prefix + field.name + (list ? '[N]' : '');
    const own = rule ?? (list ? 'repeated' : isRequired(field) ? 'required' : 'optional');
    return field.message === undefined ? [{ name, field, rule: own }] : flagsOf(field.message, `${name}.`, own);
  });
}

/** The type of a flag's value, for people. */
export function typeOf({ field }: Flag): string {
  if (field.enum !== undefined) return field.enum.values.map((value) => value.name).join('|');
  return ScalarType[field.scalar as ScalarType]?.toLowerCase() ?? '';
}

export function defaultOf({ field }: Flag): string | undefined {
  const value: unknown = field.fieldKind === 'scalar' || field.fieldKind === 'enum' ? field.getDefaultValue() : undefined;
  return value === undefined ? undefined : String(value);
}

export function commentOf({ field }: Flag): string | undefined {
  return fieldComments.get(`${field.parent.typeName}.${field.name}`);
}

/** The request that words stand for. Throws invalid_argument, naming the flag. */
export function parseFields(command: string, desc: DescMessage, words: readonly string[]): Fields {
  const request: Fields = {};
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (!word.startsWith('--')) throw invalid(`${command} takes fields as --NAME VALUE: ${JSON.stringify(word)} is none`);
    const equals = word.indexOf('=');
    const path = word.slice(2, equals === -1 ? undefined : equals);
    const { field, target, key } = resolve(command, desc, request, path);
    let value = equals === -1 ? undefined : word.slice(equals + 1);
    if (value === undefined) {
      const next = words[at + 1];
      if (field.scalar === ScalarType.BOOL && next !== 'true' && next !== 'false') {
        value = 'true';
      } else {
        if (next === undefined) throw invalid(`--${path} of ${command} needs a value`);
        value = next;
        at++;
      }
    }
    if (Object.hasOwn(target, key)) throw invalid(`--${path} of ${command} is given twice`);
    target[key] = parseValue(`--${path} of ${command}`, field, value);
  }
  checkGaps(command, desc, request);
  return request;
}

/** A field, and the object or list that holds its value, under which key. */
interface Place {
  readonly field: DescField;
  readonly target: Fields;
  readonly key: string;
}

/** Walks a path to the place of its last field, making what is missing on the way. */
function resolve(command: string, desc: DescMessage, request: Fields, path: string): Place {
  let message = desc;
  let target = request;
  const parts = path.split('.');
  for (const [depth, part] of parts.entries()) {
    const match = /^([a-z0-9_]+)(?:\[(\d{1,3})\])?$/.exec(part);
    const field = message.fields.find((candidate) => candidate.name === match?.[1]);
    if (match === null || field === undefined) throw unknownFlag(command, desc, path);
    let index = match[2] === undefined ? undefined : Number(match[2]);
    const isPlainList = field.fieldKind === 'list' && field.message === undefined;
    if (isPlainList) index ??= (target[field.localName] as unknown[] | undefined)?.length ?? 0;
    if ((field.fieldKind === 'list') !== (index !== undefined)) {
      throw invalid(index === undefined ? `${field.name} of ${command} is repeated: write --${field.name}[0], --${field.name}[1], …` : `${field.name} of ${command} is not repeated: write it without [${index}]`);
    }
    if (field.message === undefined) {
      if (depth < parts.length - 1) throw unknownFlag(command, desc, path);
      return index === undefined ? { field, target, key: field.localName } : { field, target: ownObject(target, field.localName, true), key: String(index) };
    }
    const own = ownObject(target, field.localName, index !== undefined);
    target = index === undefined ? own : ownObject(own, String(index), false);
    message = field.message;
  }
  throw invalid(`--${path} of ${command} has fields of its own: ${message.fields.map((field) => `--${path}.${field.name}`).join(', ')}`);
}

function ownObject(target: Fields, key: string, list: boolean): Fields {
  if (!Object.hasOwn(target, key)) target[key] = list ? [] : {};
  return target[key] as Fields;
}

function parseValue(what: string, field: DescField, text: string): unknown {
  if (field.enum !== undefined) {
    const value = field.enum.values.find(({ name, number }) => name.toLowerCase() === text.toLowerCase() || String(number) === text);
    if (value === undefined) throw invalid(`${what} is one of ${field.enum.values.map(({ name }) => name).join(', ')}, not ${JSON.stringify(text)}`);
    return value.number;
  }
  switch (field.scalar) {
    case ScalarType.STRING: return text;
    case ScalarType.BYTES: return Buffer.from(text);
    case ScalarType.BOOL:
      if (text !== 'true' && text !== 'false') throw invalid(`${what} is true or false, not ${JSON.stringify(text)}`);
      return text === 'true';
    case ScalarType.UINT64: return parseInteger(what, text, 0n, 2n ** 64n - 1n);
    case ScalarType.UINT32: return Number(parseInteger(what, text, 0n, 2n ** 32n - 1n));
    case ScalarType.INT32: return Number(parseInteger(what, text, -(2n ** 31n), 2n ** 31n - 1n));
    default: throw new WardenError('internal', `${what}: this type of field cannot be given as a flag`);
  }
}

function parseInteger(what: string, text: string, from: bigint, to: bigint): bigint {
  const value = /^-?\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value < from || value > to) throw invalid(`${what} is an integer from ${from} to ${to}, not ${JSON.stringify(text)}`);
  return value;
}

/** Elements are named by their index, so one may have been left out. */
function checkGaps(command: string, desc: DescMessage, request: Fields): void {
  for (const field of desc.fields) {
    const list = request[field.localName];
    if (!Array.isArray(list)) continue;
    if (list.length > MAX_ELEMENTS) throw invalid(`${field.name} of ${command} has at most ${MAX_ELEMENTS} elements`);
    for (let index = 0; index < list.length; index++) {
      if (!Object.hasOwn(list, index)) throw invalid(`--${field.name}[${index}] of ${command} is missing`);
    }
  }
}

function unknownFlag(command: string, desc: DescMessage, path: string): WardenError {
  const known = flagsOf(desc).map(({ name }) => `--${name}`);
  const list = known.length === 0 ? `${command} takes no fields` : known.length > 16 ? `${command} --help lists them` : `there are ${known.join(', ')}`;
  return invalid(`unknown field --${path} of ${command}: ${list}`);
}

function invalid(message: string): WardenError {
  return new WardenError('invalid_argument', message);
}
