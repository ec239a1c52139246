/* The command line of `npm run bench`: what is measured how often. */
import { parseArgs } from 'node:util';
import { nativePrograms } from './paths.js';
import { parsePeers, peerNames } from './peers/names.js';
import type { PeerName } from './peers/names.js';

export interface Sizes {
  /** Turns of floor and product, one after the other, and lifecycles in each. */
  readonly turns: number;
  readonly lifecyclesPerTurn: number;
  /** Of lifecycles with a pause before each. */
  readonly spacedPerTurn: number;
  readonly runsPerTurn: number;
  /** Before anything is measured. */
  readonly warmUpLifecycles: number;
  /** The same; each is a run, and a spawn with its link. */
  readonly warmUpRuns: number;
  /** Of each measurement of cycles per second. */
  readonly cyclesMs: number;
  readonly pingMs: number;
  readonly requests: number;
  /** Containers beside the one whose network is opened. */
  readonly amongContainers: number;
  readonly outputInBytes: number;
  readonly outputRepeats: number;
  /** Turns of all peers, and lifecycles in each. */
  readonly peerTurns: number;
  readonly peerLifecyclesPerTurn: number;
}

const STANDARD: Sizes = {
  turns: 12, lifecyclesPerTurn: 20, spacedPerTurn: 8, runsPerTurn: 20, warmUpLifecycles: 100, warmUpRuns: 500, cyclesMs: 4_000, pingMs: 3_000, requests: 2_000, amongContainers: 1_000,
  outputInBytes: 1024 ** 3, outputRepeats: 5, peerTurns: 5, peerLifecyclesPerTurn: 3,
};
const QUICK: Sizes = {
  turns: 6, lifecyclesPerTurn: 10, spacedPerTurn: 5, runsPerTurn: 10, warmUpLifecycles: 20, warmUpRuns: 100, cyclesMs: 2_000, pingMs: 1_000, requests: 500, amongContainers: 50,
  outputInBytes: 256 * 1024 ** 2, outputRepeats: 3, peerTurns: 3, peerLifecyclesPerTurn: 2,
};

export const usage = `usage: npm run bench -- [--quick] [--scale] [--turns N] [--live N] [--output MIB] [--only NAME,…] [--peers [NAME,…]] [--json FILE] [--record FILE] [--check FILE] [--tolerance PCT] [--profile NAME,…] [--directory DIR] [--programs DIR]

Measures warden through its socket, next to a C program that does the same kernel work (bench/floor.c). Needs root.

  --quick           fewer of everything, for a first look
  --scale           a thousand containers and nothing else, as --only scale --live 1000 (200 with --quick)
  --turns N         turns of floor and product (12; 6 with --quick)
  --live N          idle containers for memory, recovery and create among many, at most 1000 (1000; 50 with --quick; 0: leave out); at least 8 for scale
  --output MIB      output of a job for the throughput (1024; 256 with --quick)
  --only NAMES      of lifecycle, pool, cycles, ping, requests, limits, network, files, transfers, output, load, live (all of these unless told otherwise), scale, model (docs/scale.md), peers
  --peers [NAMES]   other container systems as well, from Debian, not installed: ${peerNames.join(', ')} (all);
                    nothing but them, warden and the floor with --only peers
  --json FILE       all figures, and every sample
  --record FILE     the figures alone, as bench/figures.json keeps them
  --check FILE      tell which ratios are worse than those of FILE; the exit status is 3 when one is (npm run bench:check: with bench/figures.json)
  --tolerance PCT   how much worse a ratio may be for --check (15)
  --profile NAMES   instead of measuring, print where the time goes of create, run, output, destroy, cycles
  --directory DIR   for depots and sockets (/var/tmp/warden-bench); the file system it is on is part of what is measured
  --programs DIR    another build of the native programs (native/build/release)
`;

export const sections = ['lifecycle', 'pool', 'cycles', 'ping', 'requests', 'limits', 'network', 'files', 'transfers', 'output', 'load', 'live', 'scale', 'model'] as const;
/** What takes long is measured when it is asked for. */
const usual = sections.filter((name) => name !== 'scale' && name !== 'model');
export type SectionName = (typeof sections)[number];
const PEERS = 'peers';

/** What `--profile` knows. */
export const profileNames = ['create', 'run', 'output', 'destroy', 'cycles'] as const;
export type ProfileName = (typeof profileNames)[number];

export interface Options {
  readonly sizes: Sizes;
  readonly live: number;
  readonly only: ReadonlySet<SectionName>;
  /** Empty: none. */
  readonly peers: ReadonlySet<PeerName>;
  readonly json: string | undefined;
  readonly record: string | undefined;
  readonly check: string | undefined;
  /** 0.15: 15 %. */
  readonly tolerance: number;
  /** Instead of all else. */
  readonly profile: readonly ProfileName[] | undefined;
  readonly directory: string;
  readonly programs: string;
}

function integer(name: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw new Error(`--${name} must be an integer from ${minimum} to ${maximum}, not ${text}`);
}

function isSection(name: string): name is SectionName {
  return (sections as readonly string[]).includes(name);
}

function isProfileName(name: string): name is ProfileName {
  return (profileNames as readonly string[]).includes(name);
}

/** As many as the budgets are about. */
const MOST_LIVE = 1000;
/** Growth is told from a quarter of them to all. */
const LEAST_LIVE_FOR_SCALE = 8;

function usualLive(scale: boolean, quick: boolean): number {
  if (!quick) return MOST_LIVE;
  return scale ? 200 : 50;
}

/** `--peers` may stand alone, which options with a value may not. */
function withAllPeers(argv: readonly string[]): string[] {
  return argv.map((argument, index) => argument === '--peers' && (argv[index + 1] ?? '--').startsWith('--') ? '--peers=all' : argument);
}

/** Throws for what it does not understand; undefined: the person asked for the usage. */
export function parseOptions(argv: readonly string[]): Options | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: withAllPeers(argv), strict: true, allowPositionals: false,
    options: { quick: { type: 'boolean' }, scale: { type: 'boolean' }, turns: text, live: text, output: text, only: text, peers: text, json: text, record: text, check: text, tolerance: text, profile: text, directory: text, programs: text, help: { type: 'boolean' } },
  });
  if (values.help) return undefined;
  const base = values.quick ? QUICK : STANDARD;
  if (values.scale && values.only !== undefined) throw new Error('--scale and --only: one of them');
  const names: readonly string[] = values.scale ? ['scale'] : values.only?.split(',') ?? usual;
  const unknown = names.find((name) => !isSection(name) && name !== PEERS);
  if (unknown !== undefined) throw new Error(`--only: ${unknown} is none of ${[...sections, PEERS].join(', ')}`);
  const peers = values.peers ?? (names.includes(PEERS) ? 'all' : undefined);
  const profile = values.profile?.split(',');
  const unprofiled = profile?.find((name) => !isProfileName(name));
  if (unprofiled !== undefined) throw new Error(`--profile: ${unprofiled} is none of ${profileNames.join(', ')}`);
  const directory = values.directory ?? '/var/tmp/warden-bench';
  if (!directory.startsWith('/') || directory.length > 50) throw new Error('--directory must be an absolute path of at most 50 bytes: sockets lie below it');
  if (peers !== undefined && /^\/(?:run|etc|var\/lib)(?:\/|$)/.test(directory)) throw new Error('--directory must not be below /run, /etc or /var/lib with --peers, who have their own');
  const live = values.live === undefined ? usualLive(values.scale ?? false, values.quick ?? false) : integer('live', values.live, 0, MOST_LIVE);
  if (names.includes('scale') && live > 0 && live < LEAST_LIVE_FOR_SCALE) throw new Error(`--live must be at least ${LEAST_LIVE_FOR_SCALE} for scale, which tells how costs grow with the number of containers`);
  return {
    sizes: {
      ...base,
      ...(values.turns === undefined ? {} : { turns: integer('turns', values.turns, 1, 200) }),
      ...(values.output === undefined ? {} : { outputInBytes: integer('output', values.output, 16, 16 * 1024) * 1024 ** 2 }),
    },
    live,
    only: new Set(names.filter(isSection)),
    peers: peers === undefined ? new Set() : parsePeers(peers),
    json: values.json,
    record: values.record,
    check: values.check,
    tolerance: integer('tolerance', values.tolerance ?? '15', 1, 1000) / 100,
    profile: profile?.filter(isProfileName),
    directory,
    programs: values.programs ?? nativePrograms,
  };
}
