import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { check, fuzz, outcomeOf, readCorpus } from './frames.js';
import { seededRandom } from './random.js';

describe('frames under fuzzing', () => {
  it('every seed of the corpus holds', () => {
    const random = seededRandom(7);
    const corpus = readCorpus();
    assert.ok(corpus.length > 150);
    for (const bytes of corpus) check(bytes, random);
  });

  it('mutated inputs hold', () => {
    const done = fuzz({ seed: 20120101, count: 100_000, timeoutMs: 5000 });
    assert.ok(done > 1000, `only ${done} inputs in five seconds`);
  });

  it('lets no error through that is none of ours', () => {
    assert.throws(() => outcomeOf([{ length: 1, 0: 0x30, subarray: null }, { length: 4, 0: 0x0d, 1: 0x0a, 2: 0x0d, 3: 0x0a }] as never), TypeError);
    assert.deepEqual(outcomeOf([Buffer.from('x')]), ['FrameError protocol frame length has "x" where a digit belongs']);
  });
});
