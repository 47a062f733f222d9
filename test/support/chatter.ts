// A process that logs two megabytes, more than any pipe and any waiting room holds, says that it is alive, and ends when
// nobody listens to it any more.

import { createLog } from '../../runtime/log.ts';

const log = createLog({ level: 'info' });
for (let number = 0; number < 2_000; number++) log.info({ number, filler: 'x'.repeat(1_000) }, 'chatter');
process.stderr.write('alive\n');
process.once('message', () => process.disconnect());
