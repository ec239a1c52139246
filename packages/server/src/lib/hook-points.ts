/** The points of a create at which hooks run, in their order; the configuration's keys. */
export const hookPoints = ['parent_before_clone', 'parent_after_clone', 'child_before_pivot', 'child_after_pivot'] as const;

export type HookPoint = (typeof hookPoints)[number];
