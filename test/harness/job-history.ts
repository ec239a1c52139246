/* What clients saw of one job: every result the same and exact, and none after one was given. */

export interface JobExpectation {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Follow {
  readonly client: number;
  readonly began: number;
  readonly ended: number;
  /** cut: the connection broke, nobody knows whether a result was written. */
  readonly outcome: 'result' | 'no such job' | 'cut';
  readonly result?: JobExpectation;
  /** Pieces of a stream, each with the name of its stream in front, in their order. */
  readonly pieces?: readonly string[];
}

export interface JobHistory {
  readonly handle: string;
  readonly jobId: number | undefined;
  readonly began: number;
  readonly expected: JobExpectation;
  /** The whole output in the order of writing. */
  readonly pieces: readonly string[];
  readonly follows: readonly Follow[];
  /** Requests that end jobs of this handle, and deaths of the daemon: when each began. */
  readonly disturbances: readonly number[];
  readonly destroys: readonly number[];
  readonly deaths: readonly number[];
}

const KILLED = 255;

function isPrefix(pieces: readonly string[], whole: readonly string[]): boolean {
  return pieces.every((piece, index) => (index === pieces.length - 1 ? whole[index]?.startsWith(piece) : whole[index] === piece));
}

function* complaintsOfResult(job: JobHistory, { result, pieces, ended }: Follow): Generator<string> {
  if (result === undefined) return;
  const { expected } = job;
  const disturbed = job.disturbances.some((at) => at < ended);
  const whole = result.status === expected.status;
  if (!whole && !(disturbed && result.status === KILLED)) yield `status ${result.status} instead of ${expected.status}`;
  for (const name of ['stdout', 'stderr'] as const) {
    if (whole ? result[name] !== expected[name] : !expected[name].startsWith(result[name])) yield `${name} ${JSON.stringify(result[name])} instead of ${JSON.stringify(expected[name])}`;
  }
  if (pieces !== undefined && !isPrefix(pieces, job.pieces)) yield `the order ${JSON.stringify(pieces)} instead of ${JSON.stringify(job.pieces)}`;
}

/** Returns what is wrong, one line each. */
export function checkJob(job: JobHistory): string[] {
  const complaints: string[] = [];
  const given = job.follows.filter(({ outcome }) => outcome === 'result');
  for (const follow of given) {
    for (const complaint of complaintsOfResult(job, follow)) complaints.push(`client ${follow.client}, answered at ${follow.ended}: ${complaint}`);
    // A reply that was read just after a death was written by the daemon that died: what counts is when its request began.
    const first = given.find((other) => other.ended < follow.began && !job.deaths.some((at) => at >= other.began && at <= follow.ended));
    if (first !== undefined) complaints.push(`client ${follow.client}, asked at ${follow.began}: a result, which client ${first.client} had been given at ${first.ended}`);
  }
  // A destroy cuts followers off before the job's own end is known; all others learn the same.
  const undisturbed = given.filter(({ ended }) => !job.destroys.some((at) => at < ended));
  const answers = new Set(undisturbed.map(({ result }) => JSON.stringify(result)));
  if (answers.size > 1) complaints.push(`different results: ${[...answers].join(' and ')}`);
  for (const follow of job.follows) {
    if (follow.outcome !== 'no such job') continue;
    const consumed = job.follows.some((other) => other !== follow && other.outcome !== 'no such job' && other.began < follow.ended);
    if (!consumed && !job.destroys.some((at) => at < follow.ended)) complaints.push(`client ${follow.client}, answered at ${follow.ended}: no such job, though nobody had its result`);
  }
  return complaints.map((complaint) => `job ${job.jobId ?? 'of a run'} of ${job.handle}: ${complaint}`);
}
