/** In place of the launcher: starts a monitor of plain processes. What has to do with links and a firewall of containers is not there. */
import { join } from 'node:path';
import { WardenError } from 'warden-protocol';
import { startTimer, type Clock } from '../../lib/timer.js';
import type { ContainerDescription } from '../container-description.js';
import type { BandwidthInForce, Launcher, MadeContainer } from '../launcher.js';
import type { LinkStatistics } from '../statistics.js';
import { isListening } from './listening.js';
import { startProgram } from './native-exchange.js';
import { homePath, makePlaces, onMachine } from './places.js';
import { unsupported } from './unsupported.js';
import type { PortProtocol } from '../../lib/port.js';

/** The program keeps its own deadline; ours is for one that hangs. */
const slackMs = 5000;

export class InsecureLauncher implements Launcher {
  constructor(
    private readonly programsPath: string,
    /** Of shells that wsh opens, without HOME. */
    private readonly environment: Readonly<Record<string, string>>,
    private readonly clock: Clock,
  ) {}

  async create(description: ContainerDescription): Promise<MadeContainer> {
    if (description.mounts.length > 0) throw unsupported('bind_mounts');
    const { directory, syslogSocket, deadlineMs } = description;
    const program = (name: string): string => join(this.programsPath, name);
    makePlaces(directory);
    const running = startProgram({ program: program('plain-monitor'), args: [directory, program('wshd'), program('files'), syslogSocket], environment: { ...this.environment, HOME: onMachine(directory, homePath) } });
    const cancelTimer = startTimer(this.clock, deadlineMs + slackMs, () => running.giveUp(new WardenError('timeout', `create of container ${description.id}: no answer from plain-monitor within ${(deadlineMs + slackMs) / 1000} s`)));
    try {
      await running.answer;
    } finally {
      cancelTimer();
    }
    return { pid: running.pid ?? 0, linkIndex: undefined };
  }

  /** Everybody reaches everything already. */
  async changeFirewall(): Promise<void> {}

  async watchFirewall(): Promise<void> {}

  async limitBandwidth(): Promise<BandwidthInForce> {
    throw unsupported('limit_bandwidth');
  }

  async readBandwidth(): Promise<BandwidthInForce> {
    return { inbound: undefined, outbound: undefined };
  }

  async removeBandwidthLimit(): Promise<void> {}

  async readLinkStatistics(): Promise<LinkStatistics> {
    throw unsupported('network_stat');
  }

  async isListening(protocol: PortProtocol, port: number): Promise<boolean> {
    return isListening(protocol, port);
  }

  async openUnlessListening(protocol: PortProtocol, port: number): Promise<boolean> {
    return !isListening(protocol, port);
  }

  async removeLink(): Promise<void> {}

  async forgetConnections(): Promise<void> {}
}
