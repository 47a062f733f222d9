// A process that loads handlers as the server does and tells its parent what it found: arguments are the module that
// loads them, from sources or compiled, and the path of the handlers, if any.

const [loader, path = null] = process.argv.slice(2);
const { loadHandlers } = await import(loader);
try {
  const registry = await loadHandlers(path);
  const greeting = (await registry.get('greet')?.handler({ to: 'Ada' })) ?? null;
  process.send({ types: [...registry.keys()], greeting });
} catch (thrown) {
  process.send({ name: thrown.name, message: thrown.message });
}
process.disconnect();
