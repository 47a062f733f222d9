// The colours of the states: what wants a person's eye stands out.

import type { JobState } from '../../core/job/job.ts';
import type { Style } from './terminal.ts';

const STYLES: Readonly<Record<JobState, Style>> = {
  pending: 'yellow',
  running: 'cyan',
  succeeded: 'green',
  dead: 'red',
  cancelled: 'dim',
};

/** Of a cell that names a state; undefined for any other. */
export const stateStyle = (cell: string): Style | undefined =>
  Object.hasOwn(STYLES, cell) ? STYLES[cell as JobState] : undefined;
