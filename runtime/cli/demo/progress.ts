// The line that says how far the demo is: rewritten in place on a terminal, else a line for each kill.

import type { Terminal } from '../terminal.ts';

const BAR_WIDTH = 24;

export type Progress = {
  /** How far it is. Seen on a terminal alone. */
  readonly advance: (done: number, text: string) => void;
  /** Something worth a line of its own in a log. */
  readonly note: (text: string) => void;
  readonly end: () => void;
};

export function showProgress({ tell, canRewrite }: Pick<Terminal, 'tell' | 'canRewrite'>, total: number): Progress {
  if (!canRewrite) {
    return { advance: () => undefined, note: (text) => tell(`${text}\n`), end: () => undefined };
  }
  const rewrite = (line: string): void => tell(`\r\u001b[K${line}`);
  return {
    advance: (done, text) => {
      const filled = Math.round((Math.min(done, total) / total) * BAR_WIDTH);
      rewrite(`[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${text}`);
    },
    note: () => undefined,
    end: () => rewrite(''),
  };
}
