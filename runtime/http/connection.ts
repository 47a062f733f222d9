// The life of one connection beyond its requests: answers to what is not HTTP, and a close that loses no answer.
//
// Rule 1: every broken request is answered where the protocol still allows it, and its connection is closed.
// Rule 2: an answer that is under way is never overtaken: the error of a later, pipelined request waits for it.
// Rule 3: a socket that is closed while bytes for it arrive resets the connection, and the client loses its answer. So
//         the side that writes is closed first, and what still comes is read and thrown away for a moment.

import { STATUS_CODES } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEMS, problemHeaders, problemText } from './problem.ts';
import type { Problem } from './problem.ts';
import { LINGER_MS } from './settings.ts';

/** The connection of this request will be closed after its answer, gently. */
export function lingerAtClose(incoming: IncomingMessage): void {
  const socket = incoming.socket;
  // Node calls this when the answer to a request with `Connection: close` has been written.
  socket.destroySoon = () => {
    incoming.resume();
    endGently(socket);
  };
}

export function endGently(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.once('end', () => socket.destroy());
  socket.end();
  socket.resume();
}

/** What a parser or a timeout of Node's reports of a request that never became one. */
export function answerBroken(socket: Socket, problem: Problem, underWay: ServerResponse | undefined): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  if (underWay === undefined || underWay.writableFinished) {
    writeAndClose(socket, problem);
    return;
  }
  if (underWay.req.complete) {
    underWay.once('close', () => answerBroken(socket, problem, undefined));
    return;
  }
  if (underWay.headersSent) socket.destroy();
  else writeAndClose(socket, problem);
}

/** Writes a whole answer to the bare socket. */
export function writeAndClose(socket: Socket, problem: Problem): void {
  const { status } = PROBLEMS[problem.kind];
  const body = problemText(problem);
  const headers = { ...problemHeaders(problem), 'content-length': Buffer.byteLength(body), connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
  endGently(socket);
}
