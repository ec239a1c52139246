/* How a cost grows with the number of containers: by the exponent k of n^k between two sizes. 0: not at all, 1: in proportion, 2: with the square. */
import type { Bound } from './table.js';

export interface Point { readonly count: number; readonly cost: number }

/** The clock and the machine's other work make even a constant cost differ from one time to the next. */
const TOLERANCE = 0.25;

/** Throws when there are not two sizes. */
export function exponentBetween(smaller: Point, larger: Point): number {
  if (!(smaller.count > 0 && larger.count > smaller.count && smaller.cost > 0 && larger.cost > 0)) throw new Error('growth needs two sizes and what they cost');
  return Math.log(larger.cost / smaller.cost) / Math.log(larger.count / smaller.count);
}

/** Of what all containers together cost. */
export function notFasterThanLinear(smaller: Point, larger: Point): Bound {
  return { text: 'no faster than linear', met: exponentBetween(smaller, larger) <= 1 + TOLERANCE };
}

/** "n^0.12 from 250 to 1000" */
export function describeGrowth(smaller: Point, larger: Point): string {
  return `n^${exponentBetween(smaller, larger).toFixed(2)} from ${smaller.count} to ${larger.count}`;
}
