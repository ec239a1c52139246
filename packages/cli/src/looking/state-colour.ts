// What of a container's state catches the eye.
import type { Colour } from '../colour.js';

/** Of a cell that begins with the state. */
export function stateColour(cell: string): Colour | undefined {
  if (cell.startsWith('active')) return 'green';
  return cell.startsWith('stopped') ? 'yellow' : undefined;
}
