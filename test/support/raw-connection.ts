// A bare TCP connection: sends bytes that no HTTP client would, and tells what came back and whether it was closed.

import { connect } from 'node:net';
import type { Socket } from 'node:net';

const PATIENCE_MS = 15_000;

export class RawConnection {
  readonly socket: Socket;
  text = '';
  closed = false;
  error: NodeJS.ErrnoException | undefined;
  #changed: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.text += text;
      this.#tell();
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.closed = true;
      this.#tell();
    });
  }

  static async open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawConnection(socket);
  }

  send(text: string | Uint8Array): void {
    if (typeof text === 'string') this.socket.write(text, 'latin1');
    else this.socket.write(text);
  }

  /** Resolves once the condition holds of what came so far. */
  async until(condition: (connection: RawConnection) => boolean): Promise<void> {
    const limit = performance.now() + PATIENCE_MS;
    while (!condition(this)) {
      if (performance.now() > limit) throw new Error(`nothing more came after: ${this.text.slice(-500)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200);
        this.#changed.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  untilClosed(): Promise<void> {
    return this.until(({ closed }) => closed);
  }

  /** Resolves with the status of the first answer. */
  async status(): Promise<number> {
    await this.until(({ text, closed }) => /^HTTP\/1\.1 \d{3} /.test(text) || closed);
    return Number(this.text.slice(9, 12));
  }

  #tell(): void {
    const changed = this.#changed;
    this.#changed = [];
    for (const resolve of changed) resolve();
  }
}
