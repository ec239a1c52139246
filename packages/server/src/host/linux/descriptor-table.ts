/**
 * The kernel's table of this process's descriptors, made larger in advance. It doubles when a descriptor has no place in it any more, and in a
 * process of several threads whoever opened that one waits for an RCU grace period (expand_files() in fs/file.c): some 10 ms, in which the event
 * loop stood still, at the 64th, 256th, 512th and 1,024th. It is never made smaller.
 */
import { close, open } from 'node:fs';

/** With a descriptor of this number the table has twice as many places: enough for a thousand containers and some hundred connections. */
const highest = 1024;

/**
 * Work that opens descriptors of its own goes on meanwhile where there are enough for both, and begins afterwards where there are not: a container that finds none at the start cannot be taken over.
 * @param limit of open files, soft
 */
export async function growDescriptorTableBeside(limit: number | undefined, work: () => Promise<void>): Promise<void> {
  const growing = growDescriptorTable(limit);
  if (limit !== undefined && limit < 4 * highest) await growing;
  await Promise.all([work(), growing]);
}

/**
 * Opens descriptors up to that number and closes them again, in the threads that Node has for files: those are who waits.
 * @param limit of open files, soft; most of it must stay free meanwhile
 */
export async function growDescriptorTable(limit: number | undefined): Promise<void> {
  if (limit !== undefined && limit < 2 * highest) return;
  const opened: number[] = [];
  try {
    // Some more at a time than there are threads; the numbers are given in order, but not to us alone.
    while ((opened.at(-1) ?? 0) < highest) {
      const several = await Promise.all(Array.from({ length: 64 }, openOne));
      opened.push(...several.filter((descriptor) => descriptor !== undefined).sort((one, other) => one - other));
      if (several.includes(undefined)) break;
    }
  } finally {
    await Promise.all(opened.map(closeOne));
  }
}

/** @returns undefined: there can be no more */
function openOne(): Promise<number | undefined> {
  return new Promise((resolve) => {
    open('/dev/null', (error, descriptor) => resolve(error === null ? descriptor : undefined));
  });
}

function closeOne(descriptor: number): Promise<void> {
  return new Promise((resolve) => {
    close(descriptor, () => resolve());
  });
}
