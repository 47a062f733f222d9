// What becomes of a tape's job is in its payload, so that it is the same in every world: handlers of the server and of the
// simulator ask here.

/** What the attempt comes to, after so many failures before it. */
export function fateOf({ fate, failures: asked, value }, failures) {
  const error = { name: 'Asked', message: `failure ${failures + 1}` };
  switch (fate) {
    case 'fail':
      return failures < asked ? { error, retryable: true } : { result: { value, failures } };
    case 'fail always':
      return { error, retryable: true };
    case 'fail for good':
      return { error, retryable: false };
    default:
      return { result: { value } };
  }
}
