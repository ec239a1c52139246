/** What happens to containers, told to those who want to know, as it happens. With nobody listening it costs nothing. */
import type { JobExit } from '../host/monitor.js';

export type Happening =
  | { readonly kind: 'created' | 'stopped' | 'destroyed' }
  /** What info lists among its events from now on. */
  | { readonly kind: 'event'; readonly event: string }
  | { readonly kind: 'job_started'; readonly jobId: number }
  | { readonly kind: 'job_ended'; readonly jobId: number; readonly exit: JobExit };

/** May not throw. */
export type HappeningListener = (handle: string, happening: Happening) => void;

export class Happenings {
  readonly #listeners = new Set<HappeningListener>();

  /** @returns ends it */
  listen(listener: HappeningListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(handle: string, happening: Happening): void {
    for (const listener of this.#listeners) listener(handle, happening);
  }
}
