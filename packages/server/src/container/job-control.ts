/** input, resize, signal: what can be done with a job that runs. */
import { WardenError } from 'warden-protocol';
import type { InputWrite } from '../host/monitor.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { endLifeIfGone } from './end-of-life.js';
import { checkTerminal } from './job-options.js';

/** The most that one request may write. */
export const inputLimitInBytes = 1024 * 1024;
/** Signals are numbered from 1 to _NSIG of the kernel. */
const lastSignal = 64;

/**
 * Writes to a job's standard input. The write waits for the job, so it holds up no other change of the container.
 * @throws WardenError invalid_argument, wrong_state, not_found: `no such job`
 */
export function writeInput(containers: Containers, container: Container, jobId: number, data: Uint8Array, close: boolean): InputWrite {
  container.requireState('active');
  container.requireKnownJob(jobId);
  if (data.length > inputLimitInBytes) {
    throw new WardenError('invalid_argument', `data has ${data.length} bytes, the limit is ${inputLimitInBytes}: write the rest with further requests`);
  }
  const write = container.monitor.writeInput(jobId, data, close);
  return { taken: explained(containers, container, write.taken), giveUp: () => write.giveUp() };
}

/** @throws WardenError invalid_argument, wrong_state, not_found: `no such job` */
export async function resizeTerminal(containers: Containers, container: Container, jobId: number, rows: number, columns: number): Promise<void> {
  checkTerminal('', rows, columns);
  container.requireState('active');
  container.requireKnownJob(jobId);
  await explained(containers, container, container.monitor.resize(jobId, rows, columns));
}

/** To every process of the job, also those that it left behind. @throws WardenError invalid_argument, not_found: `no such job` */
export async function signalJob(containers: Containers, container: Container, jobId: number, signal: number): Promise<void> {
  if (signal < 1 || signal > lastSignal) throw new WardenError('invalid_argument', `signal is a number from 1 to ${lastSignal}, not ${signal}`);
  container.requireState('active');
  container.requireKnownJob(jobId);
  await explained(containers, container, container.monitor.signalJob(jobId, signal));
}

/** What the end of a container did to a request is told as that. */
async function explained(containers: Containers, container: Container, answer: Promise<void>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (!(error instanceof WardenError) || error.code !== 'unavailable') throw error;
    if (container.lastInfo !== undefined) throw new WardenError('canceled', 'the container was destroyed meanwhile', { cause: error });
    await endLifeIfGone(containers, container);
    throw error;
  }
}
