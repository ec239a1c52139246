/**
 * In which order test files run, and beside what. Every file has a slot of its own (test/harness/slot.ts), so two of them disturb
 * each other only by taking processors, memory and disk from each other. What is named here cannot do with that.
 */

/** Files that run with nothing beside them, and why. */
export const ALONE = Object.freeze(/** @type {Record<string, string>} */ ({
  'test/dist/attack/bombs.test.js': 'takes all processors there are, and times a neighbour meanwhile',
  'test/dist/attack/exec-denial.test.js': 'needs a processor for each of two programs, to meet a moment of the kernel',
  'test/dist/attack/disk-fills.test.js': 'counts what is taken of a whole file system',
  'test/dist/e2e/slow-clients.test.js': 'the slowest of a hundred pings has a bound in milliseconds',
  'test/dist/integration/bandwidth.test.js': 'compares the speeds of transfers',
  'test/dist/integration/histories.test.js': 'does as much as it can in a minute',
}));

/** Files that may run beside others, but not beside each other: they build in the same directory. */
export const IN_TURN = Object.freeze([
  ['test/dist/native/units.test.js', 'test/dist/native/corpora.test.js', 'test/dist/native/with-root.test.js'],
]);

/** What takes longest, the longest first: it begins first, so that at the end no file runs on beside nothing. */
export const LONGEST = Object.freeze([
  'test/dist/native/units.test.js',
  'test/dist/integration/kill-at-every-call.test.js',
  'test/dist/integration/output-volume.test.js',
  'test/dist/integration/random-kills.test.js',
  'test/dist/integration/debian-package.test.js',
  'test/dist/integration/insecure-compatibility.test.js',
]);

/**
 * @param {readonly string[]} files as built, relative to the checkout
 * @returns {{ together: string[][], alone: string[] }} together: of each list one file after the other, lists beside each other
 */
export function arrange(files) {
  const wanted = new Set(files);
  const alone = files.filter((file) => file in ALONE);
  const inTurn = new Set(IN_TURN.flat());
  const lists = [
    ...IN_TURN.map((list) => list.filter((file) => wanted.has(file))).filter((list) => list.length > 0),
    ...files.filter((file) => !(file in ALONE) && !inTurn.has(file)).map((file) => [file]),
  ];
  const rank = (/** @type {readonly string[]} */ [first = '']) => (LONGEST.includes(first) ? LONGEST.indexOf(first) : LONGEST.length);
  return { together: lists.sort((one, other) => rank(one) - rank(other)), alone };
}
