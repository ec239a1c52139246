/**
 * stop: TERM to every process but PID 1, KILL after a while; settles when every job has ended. No new job starts once it
 * has begun. Only the change of state is queued with other changes, so that a kill or a destroy need not wait for it. The
 * snapshot tells of a stop that is under way, so that it is finished when the server ends or dies meanwhile.
 */
import { constants } from 'node:os';
import { WardenError } from 'warden-protocol';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { endLifeIfGone } from './end-of-life.js';
import { recordOrLog } from './events.js';
import { recordState } from './snapshot.js';

/** For processes to disappear after KILL; longer only when they are stuck in the kernel. */
const killDeadlineMs = 20_000;

/** The most that a destroy waits between TERM and KILL: who destroys a container does not wait for what is deaf in it. */
const destroyGraceMs = 3000;

export interface StopOptions {
  /** KILL at once. */
  readonly kill: boolean;
  /** The container is being destroyed: there is no use in writing down that it is stopped. */
  readonly forDestroy?: boolean;
}

/** @throws WardenError wrong_state, or timeout when processes outlive KILL */
export async function stopContainer(containers: Containers, container: Container, { kill, forDestroy = false }: StopOptions): Promise<void> {
  await beginStop(containers, container, !forDestroy);
  try {
    const { stopDeadlineMs } = containers.configuration;
    await endProcesses(container, kill, forDestroy ? Math.min(stopDeadlineMs, destroyGraceMs) : stopDeadlineMs);
  } catch (error) {
    // Without its monitor a container has no process: it is as stopped as it can be.
    if (!(await endLifeIfGone(containers, container))) throw error;
  }
  if (!container.stopping) return;
  container.stopping = false;
  if (!forDestroy) recordOrLog(containers, container);
}

/** After a start: goes on with the stop that the last server had begun. */
export function finishStop(containers: Containers, container: Container): void {
  if (!container.stopping) return;
  containers.log.info({ container: container.id, handle: container.handle }, 'finishing the stop of a container');
  containers.inBackground(stopContainer(containers, container, { kill: false }), 'a stop that was begun before the start could not be finished', container);
}

async function endProcesses({ monitor }: Container, kill: boolean, graceMs: number): Promise<void> {
  if (!kill) {
    try {
      await monitor.endAll(constants.signals.SIGTERM, graceMs);
      return;
    } catch (error) {
      if (!isTimeout(error)) throw error;
    }
  }
  await monitor.endAll(constants.signals.SIGKILL, killDeadlineMs);
}

async function beginStop(containers: Containers, container: Container, record: boolean): Promise<void> {
  await containers.changes.run(container.id, async () => {
    container.requireState('active', 'stopped');
    if (container.state === 'stopped') return;
    container.moveTo('stopped');
    container.stopping = true;
    if (record) recordState(containers, container);
  });
}

function isTimeout(error: unknown): boolean {
  return error instanceof WardenError && error.code === 'timeout';
}
