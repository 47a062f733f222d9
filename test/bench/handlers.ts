// A handler that does nothing: what is measured is the queue.

export default { noop: () => null };
