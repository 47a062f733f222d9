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

/** Answers that end only when their reader goes: nothing waits for them. */
const endless = new WeakSet<ServerResponse>();

export function markEndless(answer: ServerResponse): void {
  endless.add(answer);
}

/** The connection of this request will be closed after its answer, gently. */
export function lingerAtClose(incoming: IncomingMessage): void {
  const socket = incoming.socket;
  // Node calls this when the answer to a request with `Connection: close` has been written.
  socket.destroySoon = () => {
    incoming.resume();
    endGently(socket);
  };
}

/** Closes the writing side now, and the rest when the other side has closed too or a moment is over. */
function endGently(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.once('end', () => socket.destroy());
  socket.end();
  socket.resume();
}

/**
 * Answers what never became a request, or stopped being one: `underWay` is the last answer begun on this connection.
 * A request that came too slowly is over; what still arrives of it must not be taken for a submission.
 */
export function answerBroken(socket: Socket, problem: Problem, underWay: ServerResponse | undefined): void {
  if (!socket.writable) {
    socket.destroy();
  } else if (underWay === undefined || underWay.writableFinished) {
    writeAndClose(socket, problem);
  } else if (endless.has(underWay)) {
    underWay.destroy();
  } else if (underWay.req.complete) {
    underWay.once('close', () => answerBroken(socket, problem, undefined));
  } else if (underWay.headersSent || problem.kind === 'request-timeout') {
    if (!underWay.headersSent) socket.write(wholeAnswer(problem));
    socket.destroySoon();
  } else {
    writeAndClose(socket, problem);
  }
}

/** Answers on the bare socket and closes it. */
export function writeAndClose(socket: Socket, problem: Problem): void {
  socket.write(wholeAnswer(problem));
  endGently(socket);
}

function wholeAnswer(problem: Problem): string {
  const { status } = PROBLEMS[problem.kind];
  const body = problemText(problem);
  const headers = { ...problemHeaders(problem), 'content-length': Buffer.byteLength(body), connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`;
}
