/** Images, as far as containers are concerned with them. */
import type { Digest } from '../lib/digest.js';

/** What a container takes of its image. Its snapshot keeps it: the image's name may come to stand for another one. */
export interface ContainerImage {
  /** Of the image's configuration. */
  readonly id: Digest;
  /** The lowest first. */
  readonly layers: readonly Digest[];
  /** NAME=value. */
  readonly environment: readonly string[];
  /** Of jobs that name a program and no user: a name, UID, or UID:GID; undefined: vcap. */
  readonly user: string | undefined;
  /** Of such jobs; undefined: their user's home. */
  readonly workingDirectory: string | undefined;
}
