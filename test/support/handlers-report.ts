// A process that loads handlers as the server does and tells its parent what it found.

import { loadHandlers } from '../../runtime/worker/load.ts';

const path = process.argv[2];
try {
  const registry = await loadHandlers(path === undefined ? null : path);
  const types = [...registry.keys()];
  const greeting: unknown = await Reflect.apply(registry.get('greet')?.handler ?? (() => null), undefined, [
    { to: 'Ada' },
  ]);
  process.send?.({ types, greeting });
} catch (thrown) {
  const { name, message } = thrown instanceof Error ? thrown : { name: 'none', message: String(thrown) };
  process.send?.({ name, message });
}
process.disconnect();
