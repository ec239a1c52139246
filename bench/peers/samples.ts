/* What is measured of one way to use a system, warden among them, and the row that it becomes. */
import { summarize } from '../statistics.js';
import type { Summary } from '../statistics.js';

/** Microseconds. `whole`: all steps of a lifecycle, or the one command that there is. */
export interface PeerSamples { readonly create: number[]; readonly run: number[]; readonly destroy: number[]; readonly whole: number[] }

export interface PeerRow {
  readonly name: string;
  readonly version?: string;
  readonly network?: string;
  readonly create?: Summary;
  readonly run?: Summary;
  readonly destroy?: Summary;
  readonly whole?: Summary;
  /** Proportional set sizes: of the processes beside one idle container, and of daemons. */
  readonly helpersInMib?: number;
  readonly daemonsInMib?: number;
  /** Why there are no figures. */
  readonly reason?: string;
}

export const emptyPeerSamples = (): PeerSamples => ({ create: [], run: [], destroy: [], whole: [] });

/** Steps one after the other; the whole is their sum. */
export async function measureSteps(samples: PeerSamples, { create, run, destroy }: Readonly<Record<'create' | 'run' | 'destroy', () => Promise<number>>>): Promise<void> {
  const [created, ran, destroyed] = [await create(), await run(), await destroy()];
  samples.create.push(created);
  samples.run.push(ran);
  samples.destroy.push(destroyed);
  samples.whole.push(created + ran + destroyed);
}

/** The figures of a row. Those that were not measured are not there. */
export function summarizeSamples(samples: PeerSamples): Pick<PeerRow, keyof PeerSamples> {
  return Object.fromEntries(Object.entries(samples).filter(([, values]) => values.length > 0).map(([name, values]) => [name, summarize(values as number[])]));
}
