/* Reading what the native test programs print: the Test Anything Protocol, several runs one after the other. */

export interface Check {
  readonly name: string;
  readonly passed: boolean;
  /** Why it was not done, for `# SKIP reason`. */
  readonly skipped?: string;
  /** The lines behind a failed check that begin with `#`. */
  readonly diagnostics: readonly string[];
}

export interface TapReport {
  readonly checks: readonly Check[];
  /** What is wrong with the output itself: checks that were planned and did not come, or came without a plan. */
  readonly mistakes: readonly string[];
}

/** Lines that are no TAP (commands that make prints, messages of tools) are passed over. */
export function parseTap(text: string): TapReport {
  const checks: { name: string; passed: boolean; skipped?: string; diagnostics: string[] }[] = [];
  const mistakes: string[] = [];
  let sincePlan = 0;
  let planned: number | undefined;
  const close = (): void => {
    if (planned !== undefined && planned !== sincePlan) mistakes.push(`${planned} checks were planned, ${sincePlan} came, the last of them: ${checks.at(-1)?.name ?? 'none'}`);
    if (planned === undefined && sincePlan > 0) mistakes.push(`a program ended before its plan, after the check: ${checks.at(-1)?.name ?? ''}`);
  };
  for (const line of text.split('\n')) {
    const result = /^(not )?ok\b\s*(\d*)\s*-?\s*(.*)$/.exec(line);
    const plan = /^1\.\.(\d+)/.exec(line);
    if (result !== null) {
      const [, not, number, rest = ''] = result;
      if (number === '1' && sincePlan > 0) {
        close();
        sincePlan = 0;
        planned = undefined;
      }
      sincePlan += 1;
      const [name = '', directive] = rest.split(/\s+#\s*(?=skip)/i);
      checks.push({ name: name === '' ? `check ${number ?? ''}` : name, passed: not === undefined, diagnostics: [], ...(directive === undefined ? {} : { skipped: directive.replace(/^skip\S*\s*/i, '') }) });
    } else if (plan !== null) {
      if (planned !== undefined) {
        close();
        sincePlan = 0;
      }
      planned = Number(plan[1]);
      if (sincePlan > 0) {
        // the plan stands behind its checks
        close();
        sincePlan = 0;
        planned = undefined;
      }
    } else if (line.startsWith('#')) {
      checks.at(-1)?.diagnostics.push(line.slice(1).trim());
    }
  }
  close();
  return { checks, mistakes };
}
