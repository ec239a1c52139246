/** A transfer of the machine in memory: keeps what it was asked for and given. A test decides when it opens and how it ends. */
import { WardenError } from 'warden-protocol';
import type { Transfer, TransferEnd, TransferOrder, TransferSink } from '../host/transfer.js';

const plainEnd: TransferEnd = { length: undefined, entries: undefined, more: false, notes: [] };

export class RecordingTransfer implements Transfer {
  readonly opened: Promise<void>;
  readonly ended: Promise<TransferEnd>;
  readonly written: Buffer[] = [];
  finished = false;
  resumed = 0;
  abandoned = false;
  #open!: () => void;
  #end!: (end: TransferEnd) => void;
  #refuse!: (error: WardenError) => void;
  #fail!: (error: WardenError) => void;

  constructor(
    readonly order: TransferOrder,
    readonly sink: TransferSink,
  ) {
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#refuse = reject;
    });
    this.ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    this.opened.catch(() => undefined);
    this.ended.catch(() => undefined);
  }

  open(): void {
    this.#open();
  }

  end(end: Partial<TransferEnd> = {}): void {
    this.#open();
    this.#end({ ...plainEnd, ...end });
  }

  fail(error: WardenError): void {
    this.#refuse(error);
    this.#fail(error);
  }

  async write(data: Uint8Array, taken?: () => void): Promise<void> {
    this.written.push(Buffer.from(data));
    taken?.();
  }

  finish(): void {
    this.finished = true;
  }

  resume(): void {
    this.resumed++;
  }

  giveUp(): void {
    this.abandoned = true;
    this.fail(new WardenError('canceled', 'given up'));
  }
}
