/**
 * Undo steps of a sequence that may fail half-way: register the undo on the line after the acquisition; success
 * discards the stack, failure runs it backwards.
 */
export class UndoStack {
  readonly #steps: { name: string; undo: () => void | Promise<void> }[] = [];

  /** Registers how to undo what was just done. `name` is for the report of an undo that fails itself. */
  push(name: string, undo: () => void | Promise<void>): void {
    this.#steps.push({ name, undo });
  }

  /** The sequence succeeded: nothing is to be undone. */
  discard(): void {
    this.#steps.length = 0;
  }

  /**
   * Undoes everything, last first. A failing undo does not keep the others from running.
   * @returns the failures, for the caller to log
   */
  async unwind(): Promise<{ name: string; error: unknown }[]> {
    const failures: { name: string; error: unknown }[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (error) {
        failures.push({ name: step.name, error });
      }
    }
    return failures;
  }
}
