/* What of a late turn of wardend's event loop was wardend's own doing. */

/** From one tick of the probe's timer to the next, milliseconds. */
export interface LoopTurn {
  /** How late the timer was. */
  readonly ms: number;
  /** How long the process waited for a processor, by the kernel's account. */
  readonly waitedMs: number;
  /** How long the loop was not waiting for events, by Node's account. */
  readonly activeMs: number;
  /** Whether the machine's host took a processor away meanwhile: "steal" of proc_stat(5), of all processors. */
  readonly isStolen: boolean;
}

/** At most so long: what the host took and what interrupts took is in it, where the loop was not waiting for events. */
export function blockedMs({ ms, waitedMs, activeMs }: LoopTurn): number {
  return Math.max(0, Math.min(ms - waitedMs, activeMs));
}

/** The worst, with and without the host's doing: nobody can tell how much of a turn in which it took a processor was wardend's. */
export interface Worst { readonly blocked: number; readonly stolen: number; readonly stolenTurns: number }

export function worstOf(turns: readonly LoopTurn[]): Worst {
  const stolen = turns.filter(({ isStolen }) => isStolen);
  const own = turns.filter(({ isStolen }) => !isStolen);
  return {
    blocked: Math.max(0, ...own.map(blockedMs)),
    stolen: Math.max(0, ...stolen.map(blockedMs)),
    stolenTurns: stolen.length,
  };
}
