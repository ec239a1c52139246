/** Lists of processors as cpuset(7) writes them: `0-2,5`. Pure. */

/** More processors than any kernel is built for. */
const mostProcessors = 8192;

/** The processors of a list; undefined: it is none. An empty list is a list. */
export function parseCpuList(text: string): ReadonlySet<number> | undefined {
  const found = new Set<number>();
  if (text === '') return found;
  for (const part of text.split(',')) {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first) || Number(last) >= mostProcessors) return undefined;
    for (let cpu = Number(first); cpu <= Number(last); cpu++) found.add(cpu);
  }
  return found;
}
