/** How disk limits can be enforced, in the order in which `auto` tries it: docs/limits.md. */
export const diskBackendNames = ['project', 'user', 'btrfs', 'image', 'none'] as const;

export type DiskBackendName = (typeof diskBackendNames)[number];
