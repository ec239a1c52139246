import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { WireReader } from './wire-reader.js';

/** Bytes before what is read, which begins somewhere in a payload. */
const START = 3;

/** Numbers in their shortest and in longer forms, with too many bytes, and with too few. */
const numbers = ['', '00', '01', '07', '08', '0a', '0d', '0e', '7f', '80', '8000', '8001', '8a01', '8e01', 'ff7f', 'ff80', '808001', '8a8000', 'ffff7f', 'ffffff7f', 'ffffffff0f', 'ffffffff1f', 'ffffffff7f',
  'ffffffffff7f', '80808080808000', 'ffffffffffffffff7f', 'ffffffffffffffffff00', 'ffffffffffffffffff01', 'ffffffffffffffffff7f', '80808080808080808000', 'ffffffffffffffffffff01', '8080808080'];
const texts = ['00', '0161', '02c3a9', '02c328', '0261', '03efbbbf', '81006161', `1f${'61'.repeat(31)}`, `20${'61'.repeat(32)}`, `21${'61'.repeat(33)}`, `21${'61'.repeat(32)}ff`, '80', 'ffffffff0f61', 'ffffffffffffffffff0161'];

/** What is read, and where reading ended; undefined for what is refused. */
function outcome<Reader extends { pos: number }>(reader: Reader, read: (reader: Reader) => unknown): unknown {
  reader.pos = START;
  try {
    return [read(reader), reader.pos];
  } catch {
    return undefined;
  }
}

const kinds: [string, readonly string[], (own: WireReader) => unknown, (library: BinaryReader) => unknown][] = [
  ['tags', numbers, (own) => own.tag(), (library) => library.tag().reduce((number, wireType) => number * 8 + wireType)],
  ['uint32', numbers, (own) => own.uint32(), (library) => library.uint32()],
  ['int32', numbers, (own) => own.int32(), (library) => library.int32()],
  ['uint64', numbers, (own) => own.uint64(), (library) => BigInt(library.uint64())],
  ['bool', numbers, (own) => own.bool(), (library) => library.bool()],
  ['text', [...numbers, ...texts], (own) => own.text(), (library) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(library.bytes())],
  ['bytes', [...numbers, ...texts], (own) => Buffer.from(own.view()).toString('hex'), (library) => Buffer.from(library.bytes()).toString('hex')],
  ['bytes as characters', [...numbers, ...texts], (own) => own.latin1(), (library) => Buffer.from(library.bytes()).toString('latin1')],
];

for (const [what, forms, own, library] of kinds) {
  it(`${what} are read as the library reads them, at the end of the bytes too`, () => {
    for (const form of forms) {
      for (const behind of ['', '01', 'ff']) {
        const bytes = Buffer.concat([Buffer.alloc(START, 0x80), Buffer.from(form + behind, 'hex')]);
        assert.deepEqual(outcome(new WireReader(bytes), own), outcome(new BinaryReader(bytes), library), `${form} ${behind}`);
      }
    }
  });
}

it('says of text that it is ASCII where it has looked', () => {
  for (const [form, isAscii] of [['0161', true], ['00', true], ['02c3a9', false], [`20${'61'.repeat(32)}`, true], [`21${'61'.repeat(33)}`, false]] as const) {
    const reader = new WireReader(Buffer.from(form, 'hex'));
    reader.text();
    assert.equal(reader.isAscii, isAscii, form);
  }
});
