/* What another container system has to offer to be measured. One file of this folder for each. */
import type { PeerName } from './names.js';
import type { RootFileSystem } from '../root-file-system.js';
import type { World } from './world.js';

/** A way to use a system: each is a row. Calls throw, with what the program said, when it fails. */
export type Subject = {
  /** What a container of it is connected to, as the table says it. */
  readonly network: string;
} & (Steps | Whole);

/** Microseconds each. */
export interface Steps {
  /** Until a program can be executed in the container. */
  create(name: string): Promise<number>;
  run(name: string): Promise<number>;
  destroy(name: string): Promise<number>;
  /** Names (comm) of the processes that stay beside the container's own. Absent: there are none. */
  readonly helpers?: RegExp;
}

/** Microseconds: the system makes a container for one command alone. */
export interface Whole {
  whole(name: string): Promise<number>;
}

export interface Images {
  readonly rootFileSystem: RootFileSystem;
  /** The root file system as a plain archive, and as an image in the layout of the OCI, also an archive. */
  readonly archive: string;
  readonly image: string;
}

export interface Peer {
  readonly name: PeerName;
  /** Of Debian, by name. The version in the table is that of the first. */
  readonly packages: readonly string[];
  /** v1: the system refuses to work where a cgroup v2 tree is mounted beside v1 hierarchies, so that it is not shown one. */
  readonly cgroups: 'as they are' | 'v1';
  /** Names (comm) of its daemons, which are there for all containers. */
  readonly daemons?: RegExp;
  /** Makes everything ready in a new world, below `world.directory`. */
  prepare(world: World, images: Images): Promise<readonly Subject[]>;
}

/** The one process of an idle container. */
export const IDLE = ['/usr/bin/sleep', 'infinity'] as const;
export const TRUE = '/usr/bin/true';
