// Ctrl-P Ctrl-Q leaves a job that has the terminal, as docker has it.

const [CTRL_P, CTRL_Q] = [0x10, 0x11];

/** What is typed, up to the keys; with them it ends, and calls back before. A Ctrl-P waits for what follows it. */
export async function* untilDetached(typed: AsyncIterable<Uint8Array>, onDetach: () => void): AsyncGenerator<Uint8Array, void, void> {
  let held = false;
  for await (const chunk of typed) {
    const bytes: Buffer = held ? Buffer.concat([Buffer.of(CTRL_P), chunk]) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const keys = bytes.indexOf(Buffer.of(CTRL_P, CTRL_Q));
    if (keys !== -1) {
      if (keys > 0) yield bytes.subarray(0, keys);
      onDetach();
      return;
    }
    held = bytes.at(-1) === CTRL_P;
    const free = held ? bytes.subarray(0, -1) : bytes;
    if (free.length > 0) yield free;
  }
  if (held) yield Buffer.of(CTRL_P);
}
