/**
 * What the service manager that started wardend wants to know, and gives: sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3).
 * Without one nothing happens. Node cannot send datagrams to unix sockets: the launcher does, so the unit needs NotifyAccess=all.
 */
import { statSync } from 'node:fs';
import type { Log } from '../../lib/log.js';
import { startTimer, type Clock } from '../../lib/timer.js';

/** The first descriptor that a service manager passes on. */
const firstDescriptor = 3;

export interface SystemdServiceOptions {
  readonly environment: Record<string, string | undefined>;
  readonly pid: number;
  readonly send: (socketPath: string, text: string) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** Tells whether a descriptor is a socket; another function in tests. */
  readonly isSocket?: (fd: number) => boolean;
}

export class SystemdService {
  readonly #options: SystemdServiceOptions;
  readonly #notifySocket: string | undefined;
  readonly #watchdogMs: number | undefined;
  #cancelWatchdog: () => void = () => undefined;
  /** A listening socket that the manager holds; undefined: wardend makes its own. */
  readonly listeningFd: number | undefined;

  /** Takes its variables out of the environment: what wardend starts is not the service. */
  constructor(options: SystemdServiceOptions) {
    this.#options = options;
    const { environment, pid } = options;
    const take = (name: string): string | undefined => {
      const value = environment[name];
      delete environment[name];
      return value === '' ? undefined : value;
    };
    this.#notifySocket = take('NOTIFY_SOCKET');
    const [watchdogUs, watchdogPid] = [Number(take('WATCHDOG_USEC')), take('WATCHDOG_PID')];
    if (watchdogUs > 0 && (watchdogPid === undefined || Number(watchdogPid) === pid)) this.#watchdogMs = watchdogUs / 1000;
    const [listenPid, listenFds] = [take('LISTEN_PID'), Number(take('LISTEN_FDS'))];
    take('LISTEN_FDNAMES');
    if (Number(listenPid) !== pid || !(listenFds > 0)) return;
    if (listenFds > 1) options.log.warn({ sockets: listenFds }, 'the service manager passed several sockets: only the first is used');
    if ((options.isSocket ?? isSocket)(firstDescriptor)) this.listeningFd = firstDescriptor;
    else options.log.warn({}, 'what the service manager passed is no socket: wardend makes its own');
  }

  /** Requests are taken; from now on the event loop's life is told, when the manager watches it. */
  ready(containers: number): void {
    this.#notify(`READY=1\nMAINPID=${this.#options.pid}\nSTATUS=${containers} containers`);
    this.#watch();
  }

  /** The configuration is read anew; `ready` follows. @param monotonicUs of CLOCK_MONOTONIC */
  reloading(monotonicUs: bigint): void {
    this.#notify(`RELOADING=1\nMONOTONIC_USEC=${monotonicUs}`);
  }

  reloaded(): void {
    this.#notify('READY=1');
  }

  stopping(): void {
    this.#cancelWatchdog();
    this.#notify('STOPPING=1\nSTATUS=containers live on');
  }

  #watch(): void {
    this.#cancelWatchdog();
    if (this.#watchdogMs === undefined || this.#notifySocket === undefined) return;
    // Twice in the time after which the manager takes a silent service for dead.
    this.#cancelWatchdog = startTimer(this.#options.clock, this.#watchdogMs / 2, () => {
      this.#notify('WATCHDOG=1');
      this.#watch();
    });
  }

  #notify(text: string): void {
    const { send, log } = this.#options;
    if (this.#notifySocket === undefined) return;
    send(this.#notifySocket, text).catch((error: unknown) => log.warn({ err: error }, 'the service manager could not be told'));
  }
}

function isSocket(fd: number): boolean {
  try {
    return statSync(`/proc/self/fd/${fd}`).isSocket();
  } catch {
    return false;
  }
}
