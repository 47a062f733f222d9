// A log that keeps its lines for the test to look at.

import type { Log } from '../../runtime/log.ts';

export type LogLine = { readonly severity: string; readonly message: string; readonly fields: object };

export function recordedLog(): { readonly log: Log; readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const bound = (bindings: object): Log => {
    const write = (severity: string) => (fields: object, message: string) => {
      lines.push({ severity, message, fields: { ...bindings, ...fields } });
    };
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => bound({ ...bindings, ...fields }),
    };
  };
  return { log: bound({}), lines };
}
