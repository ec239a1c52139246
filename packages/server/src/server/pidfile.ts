/** The file that says which process the server is. */
import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';

/** Writes the file as a whole. @returns removes it, if it is still ours */
export function writePidfile(path: string): () => void {
  const content = `${process.pid}\n`;
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, content, { mode: 0o644 });
  renameSync(temporary, path);
  return () => {
    try {
      if (readFileSync(path, 'utf8') === content) unlinkSync(path);
    } catch {
      // Somebody removed it before us.
    }
  };
}
