// What the endpoints work with.

import type { QueuePort } from '../queue-port.ts';
import type { HttpSettings } from './settings.ts';

/** Fields first, as pino takes them. */
export type HttpLog = {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

export type Services = {
  readonly queue: QueuePort;
  readonly http: HttpSettings;
  readonly log: HttpLog;
  /** The metrics in Prometheus' text format; without it there is no `/metrics`. */
  readonly metrics?: (() => Promise<string>) | undefined;
};
