// A job for machines: as the HTTP API writes it, in snake_case with RFC 3339 instants.

import type { HistoryEntry, JobView, JobWithHistory } from '../embed/job-view.ts';

export const jobJson = (job: JobView): object => snakeCase(job);

export const jobWithHistoryJson = ({ history, ...job }: JobWithHistory): object => ({
  ...snakeCase(job),
  history: history.map(entryJson),
});

/** An entry has only what its kind of event says. */
function entryJson({ runAt, leaseUntil, error, ...common }: HistoryEntry): object {
  return snakeCase({
    ...common,
    ...(runAt === null ? {} : { runAt }),
    ...(leaseUntil === null ? {} : { leaseUntil }),
    ...(error === null ? {} : { error }),
  });
}

/** Renames the fields of the record itself: payloads, results and errors within it keep theirs. */
function snakeCase(record: object): object {
  const rename = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(record).map(([name, value]): [string, unknown] => [rename(name), value]));
}

export const jsonLine = (value: unknown): string => `${JSON.stringify(value)}\n`;
