/** Transfers whose content comes in further requests of the connection that began them. They end with it. */
import { WardenError } from 'warden-protocol';
import type { Transfer } from '../container/files.js';
import type { Call } from './call.js';

/** Of one connection. */
const transfersLimit = 16;

export class OpenTransfers {
  readonly #byClient = new WeakMap<object, Map<number, Transfer>>();

  /** @throws WardenError exists; exhausted when the connection has too many */
  checkFree(call: Call, id: number): void {
    const own = this.#byClient.get(call.client);
    if (own?.has(id) === true) throw new WardenError('exists', `this connection has a transfer ${id} already`);
    if ((own?.size ?? 0) >= transfersLimit) throw new WardenError('exhausted', `this connection has ${transfersLimit} open transfers, the limit`);
  }

  add(call: Call, id: number, transfer: Transfer): void {
    let own = this.#byClient.get(call.client);
    if (own === undefined) {
      const made = (own = new Map<number, Transfer>());
      this.#byClient.set(call.client, made);
      call.onClosed(() => {
        for (const each of made.values()) each.giveUp();
      });
    }
    own.set(id, transfer);
  }

  /** @throws WardenError not_found */
  get(call: Call, id: number): Transfer {
    const transfer = this.#byClient.get(call.client)?.get(id);
    if (transfer === undefined) throw new WardenError('not_found', `this connection has no transfer ${id}: it was not begun, or has ended`);
    return transfer;
  }

  remove(call: Call, id: number): void {
    this.#byClient.get(call.client)?.delete(id);
  }
}
