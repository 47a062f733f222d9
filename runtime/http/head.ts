// HEAD is GET without the body. What is left of the body is its length, which the socket would else not tell.

/** The same answer with its length; one that has no body, or no end, stays as it is. */
export async function withLength(response: Response): Promise<Response> {
  if (response.body === null) return response;
  const { byteLength } = await response.arrayBuffer();
  const headers = new Headers(response.headers);
  headers.set('content-length', String(byteLength));
  return new Response(null, { status: response.status, headers });
}
