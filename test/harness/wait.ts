/* Waiting for a state with a deadline. Whoever waits names an event that makes a new look worthwhile; nothing sleeps. */

export function withDeadline<T>(promise: Promise<T>, milliseconds: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([promise, deadline]).finally(() => clearTimeout(timer));
}

/**
 * Looks until `look` returns no complaint, once after each event of `nextEvent`. Returns the last complaint when the
 * deadline passes: the caller decides whether that is a failure.
 */
export async function untilClean(look: () => string[] | Promise<string[]>, nextEvent: () => Promise<unknown>, milliseconds: number): Promise<string[]> {
  const end = Date.now() + milliseconds;
  for (;;) {
    const complaints = await look();
    const left = end - Date.now();
    if (complaints.length === 0 || left <= 0) return complaints;
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([nextEvent(), new Promise((resolve) => { timer = setTimeout(resolve, left); })]);
    clearTimeout(timer);
  }
}
