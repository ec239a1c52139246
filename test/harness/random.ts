/* Random numbers that a printed seed repeats. */

/** Mulberry32: whole numbers from 0 to below `limit`. */
export function randomNumbers(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** The seed of this run: WARDEN_SEED, or the time. Print it, so that a failure can be repeated. */
export function runSeed(): number {
  return Number(process.env['WARDEN_SEED'] ?? Date.now() % 2 ** 31);
}
