// Where build.ts has put the compiled package.

import { join } from 'node:path';
import { inject } from 'vitest';

/** The compiled `runtime`. */
export const BUILT = join(inject('built'), 'dist/runtime');
