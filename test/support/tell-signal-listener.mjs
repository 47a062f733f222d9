// Preloaded: makes the file READY when the process begins to listen for SIGTERM. Before that nothing in it could.

import { writeFileSync } from 'node:fs';

process.on('newListener', (name) => {
  if (name === 'SIGTERM') writeFileSync(process.env.READY, '');
});
