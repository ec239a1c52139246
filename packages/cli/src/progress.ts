/* How far along a long piece of work is: a bar on a terminal, a line for each new stage elsewhere. */

export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR_WIDTH = 24;

export class Progress {
  readonly #output: ProgressOutput;
  #done = 0;
  #drawn = false;

  constructor(output: ProgressOutput) {
    this.#output = output;
  }

  /**
   * @param done 0 to 1; a bar never goes back
   * @param what is being done now
   */
  show(done: number, what: string): void {
    const advanced = done > this.#done;
    this.#done = Math.max(done, this.#done);
    const percent = `${Math.round(this.#done * 100)} %`.padStart(5);
    if (this.#output.isTTY !== true) {
      if (advanced) this.#output.write(`${percent}  ${what}\n`);
      return;
    }
    const filled = Math.round(this.#done * BAR_WIDTH);
    this.#draw(`[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${percent}  ${what}`);
  }

  /** @param what has been done so far, of work whose whole is not known; shown on a terminal alone */
  note(what: string): void {
    if (this.#output.isTTY === true) this.#draw(what);
  }

  #draw(line: string): void {
    this.#output.write(`\r\u001b[K${line.slice(0, Math.max(20, (this.#output.columns || 80) - 1))}`);
    this.#drawn = true;
  }

  /** Takes the bar away, so that other text can be printed. */
  clear(): void {
    if (this.#drawn) this.#output.write('\r\u001b[K');
    this.#drawn = false;
  }
}
