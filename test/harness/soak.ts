/*
 * Long forms. `npm run test:soak` sets WARDEN_SOAK=1 and runs every test file that imports this one; `npm test` runs the
 * same tests with smaller numbers.
 */

export const SOAK = process.env['WARDEN_SOAK'] === '1';

/** The number that this run is to use. */
export function shortOrLong<T>(short: T, long: T): T {
  return SOAK ? long : short;
}
