// Preloaded: sets the wall clock of the process, and nothing but that, by the milliseconds in the file OFFSET whenever
// the process gets SIGUSR2. It says so by removing the file.

import { readFileSync, rmSync } from 'node:fs';

const RealDate = Date;
let offsetMs = 0;

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    super(...(parts.length === 0 ? [RealDate.now() + offsetMs] : parts));
  }

  static now() {
    return RealDate.now() + offsetMs;
  }
};

process.on('SIGUSR2', () => {
  offsetMs = Number(readFileSync(process.env.OFFSET, 'utf8'));
  rmSync(process.env.OFFSET);
});
