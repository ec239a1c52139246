/* Where things are in the checkout; compiled files lie in bench/dist. */
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');
export const wardendProgram = `${repository}/bin/wardend`;
export const nativePrograms = `${repository}/native/build/release`;
export const floorProgram = `${repository}/bench/build/floor`;
export const trueProgram = `${repository}/bench/build/true`;
export const worldProgram = `${repository}/bench/build/world`;
export const compiled = `${repository}/bench/dist`;
