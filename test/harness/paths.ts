/* Where things are in the checkout; the compiled harness lies in test/dist/harness. */
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, '');
export const wardendProgram = `${repository}/bin/wardend`;
export const wardenProgram = `${repository}/bin/warden`;
export const nativePrograms = `${repository}/native/build/release`;
/** The same programs with named steps that can be made to fail (WARDEN_FAULTS). */
export const faultPrograms = `${repository}/native/build/faults`;
export const probeSources = `${repository}/test/attack/programs`;
