import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordingTransfer } from '../container/recording-transfer.js';
import type { Call } from './call.js';
import { OpenTransfers } from './open-transfers.js';

/** A connection, as far as transfers know it. */
class Connection {
  readonly #closings: (() => void)[] = [];
  readonly call: Call = {
    client: this, gone: false, giveBack: () => () => undefined, onGone: () => undefined, onInterrupt: () => undefined, sendParts: () => true, sendResponse: () => true, breakOff: () => undefined, onWritable: () => undefined, onReply: () => undefined,
    onClosed: (callback) => void this.#closings.push(callback),
  };

  close(): number {
    for (const callback of this.#closings) callback();
    return this.#closings.length;
  }
}

function transfer(): RecordingTransfer {
  return new RecordingTransfer({ operation: 'write', user: { name: 'daemon' }, path: Buffer.from('f') }, { entries: () => true, content: () => true });
}

test('a connection finds its own transfers, and those of no other', () => {
  const transfers = new OpenTransfers();
  const [first, second] = [new Connection(), new Connection()];
  const [one, other] = [transfer(), transfer()];
  transfers.add(first.call, 7, one);
  transfers.add(second.call, 7, other);
  assert.deepEqual([transfers.get(first.call, 7) === one, transfers.get(second.call, 7) === other], [true, true]);
  assert.throws(() => transfers.get(first.call, 8), { code: 'not_found', message: /no transfer 8/ });
  assert.throws(() => transfers.checkFree(first.call, 7), { code: 'exists', message: 'this connection has a transfer 7 already' });
  transfers.checkFree(first.call, 8);
  transfers.remove(first.call, 7);
  transfers.checkFree(first.call, 7);
  assert.throws(() => transfers.get(first.call, 7), { code: 'not_found' });
  assert.equal(transfers.get(second.call, 7), other);
});

test('a connection has only so many, and its end gives up those that it has', () => {
  const transfers = new OpenTransfers();
  const [connection, another] = [new Connection(), new Connection()];
  const begun = Array.from({ length: 16 }, transfer);
  for (const [id, each] of begun.entries()) {
    transfers.checkFree(connection.call, id);
    transfers.add(connection.call, id, each);
  }
  assert.throws(() => transfers.checkFree(connection.call, 16), { code: 'exhausted' });
  transfers.checkFree(another.call, 16);
  transfers.remove(connection.call, 3);
  transfers.checkFree(connection.call, 16);
  assert.equal(connection.close(), 1, 'one callback, however many transfers');
  assert.deepEqual(begun.flatMap(({ abandoned }, id) => (abandoned ? [] : [id])), [3]);
});
