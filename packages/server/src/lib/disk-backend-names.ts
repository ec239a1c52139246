/** How disk limits can be enforced, in the order in which `auto` tries it: docs/limits.md. */
export const diskBackendNames = ['project', 'btrfs', 'image', 'user', 'none'] as const;

export type DiskBackendName = (typeof diskBackendNames)[number];
