/** Copies on the machine in memory: each is done at once, or goes on as a test says. */
import { WardenError } from 'warden-protocol';
import type { CopyCounts, CopyOrder, CopyResult } from '../host/copies.js';
import type { Copies } from '../host/host.js';

export interface RecordedCopy {
  readonly order: CopyOrder;
  readonly progress: (counts: CopyCounts) => void;
  readonly finish: (result: CopyResult) => void;
  readonly fail: (error: WardenError) => void;
  /** Resolves when nobody wants it any more. */
  readonly givenUp: Promise<void>;
}

export class RecordingCopies implements Copies {
  readonly started: RecordedCopy[] = [];
  /** They wait for the test. */
  held = false;

  start(order: CopyOrder, progress: (counts: CopyCounts) => void): ReturnType<Copies['start']> {
    let giveUp = (): void => undefined;
    let noteGivenUp = (): void => undefined;
    const givenUp = new Promise<void>((resolve) => (noteGivenUp = resolve));
    const done = new Promise<CopyResult>((finish, fail) => {
      this.started.push({ order, progress, finish, fail, givenUp });
      if (!this.held) finish({ entries: 1n, bytes: 2n, skipped: 0n, skippedPaths: [] });
      giveUp = () => {
        noteGivenUp();
        fail(new WardenError('canceled', 'the copy was given up'));
      };
    });
    return { done, giveUp };
  }
}
