/**
 * zod, loaded by require. As an ES module it makes Node open its 60 translations at the same time, and a server that is started
 * with few descriptors would end before it could say why. Types come from `import type … from 'zod'`.
 */
import { createRequire } from 'node:module';

export const z: typeof import('zod').z = (createRequire(import.meta.url)('zod') as typeof import('zod')).z;
