import type { EventRow } from '../../core/store/tables.ts';
import type { Check } from './check.ts';

export const historyIsFixed: Check = {
  name: 'S25',
  sentence: 'events are numbered without gaps, and one that was shown never changes or vanishes',
  watch({ model, fail }) {
    const shown = new Map<number, EventRow>();
    let lastSeq = 0;
    return {
      happened({ row }) {
        shown.set(row.seq, row);
        lastSeq = row.seq;
      },
      recovered(tables) {
        const meta = tables.meta();
        if (meta.lastSeq < lastSeq) fail(`the recovery ends at event ${meta.lastSeq}; event ${lastSeq} was shown`);
        for (const row of tables.eventsAfter(0, Number.MAX_SAFE_INTEGER)) {
          const before = shown.get(row.seq);
          if (before !== undefined && !isSame(before, row)) fail(`event ${row.seq} came back changed`);
        }
      },
      released(effect) {
        if (effect.kind !== 'publish') return;
        for (const row of effect.rows) if (row.seq > model.lastSeq) fail(`event ${row.seq} is out of order`);
      },
    };
  },
};

function isSame(a: EventRow, b: EventRow): boolean {
  const names = ['seq', 'at', 'kind', 'jobId', 'type', 'queue', 'state', 'attempt'] as const;
  return (
    names.every((name) => a[name] === b[name]) &&
    a.detail?.runAt === b.detail?.runAt &&
    a.detail?.leaseUntil === b.detail?.leaseUntil &&
    a.detail?.error?.name === b.detail?.error?.name &&
    a.detail?.error?.message === b.detail?.error?.message
  );
}
