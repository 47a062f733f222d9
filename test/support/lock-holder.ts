// A process that takes the lock of the directory it is given, tells its parent how that went, and keeps it until it is
// told to release it, or killed.

import { holdLock } from '../../runtime/disk/lock.ts';

try {
  const lock = holdLock(process.argv[2] ?? '');
  process.on('message', () => {
    lock.release();
    process.disconnect();
  });
  process.send?.({ held: true });
} catch (thrown) {
  const { name, message } = thrown instanceof Error ? thrown : { name: 'none', message: String(thrown) };
  process.send?.({ held: false, name, message });
  process.disconnect();
}
