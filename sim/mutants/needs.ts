// Which fault is needed by which planted bug: with it a rule sees the bug, without it not.
//
// Each is proven in lives that know no faults but the one and those named beside it, so that no other does its work.

import type { FaultCode } from '../faults.ts';

export type Need = {
  readonly mutant: string;
  /** Faults that must be there as well: those that kill the process, say. */
  readonly beside: readonly FaultCode[];
  /** The only rule that is held, if it is not the one of the bug itself. */
  readonly rule?: string;
  /** The first seed to try: close to one in which the bug shows itself. */
  readonly from: bigint;
};

const need = (mutant: string, from: bigint, ...beside: readonly FaultCode[]): Need => ({ mutant, from, beside });

export const NEEDS: Readonly<Record<FaultCode, Need>> = {
  P1: need('crash-backs-off', 0n),
  P2: need('torn-tail-refused', 3n, 'P1'),
  P3: need('nul-tail-refused', 0n, 'P1', 'D5'),
  P4: need('nul-tail-refused', 0n, 'P1', 'D5'),
  P5: need('removed-before-rewritten', 30n, 'P11'),
  P6: need('looks-back-five-segments', 3n, 'P1'),
  P7: need('journal-removed-first', 32n),
  P8: need('clock-wraps', 5n),
  P9: need('expiry-before-answers', 10n),
  P11: need('give-back-lost', 5n),
  P12: need('misfit-beats-replay', 134n, 'P1', 'N2', 'N11'),
  P13: need('newer-format-read', 8n, 'P1'),
  P14: need('backoff-believed', 7n),
  P15: need('fence-forgotten-in-time', 63n),
  P16: need('half-a-step-kept', 141n),
  D1: need('bulk-in-pieces', 22n, 'P3'),
  D2: { ...need('bulk-in-pieces', 45n, 'P3'), rule: 'D13' },
  D3: need('torn-tail-refused', 39n, 'P1', 'P4', 'D1'),
  D4: need('strange-tail-refused', 6n, 'P1', 'P3', 'D5'),
  D5: need('nul-tail-refused', 0n, 'P1', 'P3'),
  D6: { ...need('directory-sync-left-out', 3n, 'P1', 'P3'), rule: 'D13' },
  D7: need('no-space-at-a-sync-forgiven', 0n),
  D8: need('unknown-told-as-refused', 33n),
  D9: need('marker-not-read', 10n, 'P11'),
  D10: need('append-failure-ignored', 20n),
  D11: need('full-disk-accepts', 3n),
  D12: need('checksum-not-compared', 76n, 'P1'),
  D13: need('damage-cut-off', 33n, 'P1'),
  D14: need('stranger-taken-for-ours', 59n, 'P1'),
  D15: need('expiry-before-answers', 10n),
  D16: need('begins-anew', 7n, 'P11'),
  D18: need('next-segment-begun-first', 55n, 'D7'),
  C1: need('wall-clock-believed', 2n),
  C2: need('wall-clock-believed', 3n),
  C3: need('leases-end-by-the-wall', 13n),
  C4: need('timer-not-set-twice', 146n),
  C5: need('expiry-before-answers', 101n),
  C6: need('starts-at-the-wall', 0n, 'P1'),
  C7: need('timer-not-set-twice', 137n),
  C8: need('run-at-in-32-bits', 13n),
  N1: need('key-held-by-its-head', 39n),
  N2: need('key-not-found', 63n),
  N3: need('key-unknown-until-synced', 172n),
  N4: need('key-freed-with-its-job', 43n),
  N5: need('key-not-found', 15n),
  N6: need('list-read-as-far-as-it-goes', 60n),
  N7: need('dead-connection-stops-effects', 2n),
  N8: { ...need('feed-begins-at-the-end', 0n), rule: 'FEED' },
  N10: need('key-matches-anything', 0n),
  N11: need('key-freed-with-its-job', 3n),
  N12: need('clients-before-recovery', 41n, 'P1'),
  W1: need('crash-backs-off', 6n),
  W2: need('slot-freed-twice', 32n),
  W3: need('poison-never-dies', 33n),
  W4: need('last-millisecond-is-nobodys', 10n),
  W5: need('key-prefix-indexed', 0n),
  W6: need('leases-never-end', 42n),
  B1: need('expiry-before-answers', 101n),
};
