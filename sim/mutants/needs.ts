// Which fault is needed by which planted bug: with it a rule sees the bug, without it not.
//
// Each is proven in lives that know no faults but the one and those named beside it, so that no other does its work. A
// fault that no bug needs is listed with the reason: what it does is done by another one too, or never reaches the queue.

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

export type Unneeded = { readonly because: string };

const need = (mutant: string, from: bigint, ...beside: readonly FaultCode[]): Need => ({ mutant, from, beside });

const OUTSIDE = 'it is between a client and the network: the queue sees a request that comes later, or none';

export const NEEDS: Readonly<Record<FaultCode, Need | Unneeded>> = {
  P1: need('crash-backs-off', 0n),
  P2: need('torn-tail-refused', 3n, 'P1'),
  P3: need('nul-tail-refused', 0n, 'P1', 'D5'),
  P4: need('nul-tail-refused', 0n, 'P1', 'D5'),
  P5: need('removed-before-rewritten', 30n, 'P11'),
  P6: need('looks-back-five-segments', 3n, 'P1'),
  P7: need('journal-removed-first', 0n),
  P8: need('clock-wraps', 5n),
  P9: need('expiry-before-answers', 10n),
  P11: need('give-back-lost', 5n),
  P12: need('misfit-beats-replay', 68n, 'P1', 'N2', 'N11'),
  P13: need('newer-format-read', 8n, 'P1'),
  P14: need('backoff-believed', 7n),
  P15: need('fence-one-deep', 120n),
  P16: need('half-a-step-kept', 106n),
  D1: { because: 'turns never overlap: no file has two records that wait for a sync, and D3 cuts the one there is' },
  D2: { because: 'few records span pages: D3 and D5 leave the same tails' },
  D3: need('torn-tail-refused', 39n, 'P1', 'P4', 'D1'),
  D4: need('strange-tail-refused', 6n, 'P1', 'P3', 'D5'),
  D5: need('nul-tail-refused', 0n, 'P1', 'P3'),
  D6: { ...need('directory-sync-left-out', 3n, 'P1', 'P3'), rule: 'D13' },
  D7: need('no-space-at-a-sync-forgiven', 0n),
  D8: need('unknown-told-as-refused', 33n),
  D9: need('marker-not-read', 10n, 'P11'),
  D10: need('append-failure-ignored', 20n),
  D11: need('full-disk-accepts', 3n),
  D12: need('checksum-not-compared', 104n, 'P1'),
  D13: need('damage-cut-off', 0n, 'P1'),
  D14: need('stranger-taken-for-ours', 59n, 'P1'),
  D15: need('expiry-before-answers', 10n),
  D16: need('begins-anew', 7n, 'P11'),
  D18: { because: 'the power loss that ends every life takes the same bytes' },
  C1: need('wall-clock-believed', 2n),
  C2: need('wall-clock-believed', 3n),
  C3: { because: 'tokens decide and not clocks: nothing compares the clocks of two machines' },
  C4: need('timer-not-set-twice', 146n),
  C5: need('expiry-before-answers', 36n),
  C6: need('starts-at-the-wall', 0n, 'P1'),
  C7: need('timer-given-up', 64n),
  C8: need('run-at-in-32-bits', 13n),
  N1: { because: OUTSIDE },
  N2: need('key-not-found', 54n),
  N3: { because: 'two copies that meet in one step are rarer than retries that do' },
  N4: need('key-freed-with-its-job', 43n),
  N5: need('key-not-found', 33n),
  N6: { because: OUTSIDE },
  N7: { because: OUTSIDE },
  N8: { ...need('feed-begins-at-the-end', 0n), rule: 'FEED' },
  N10: need('key-matches-anything', 0n),
  N11: need('key-freed-with-its-job', 3n),
  N12: { because: OUTSIDE },
  W1: need('crash-backs-off', 6n),
  W2: need('slot-freed-twice', 32n),
  W3: need('poison-never-dies', 33n),
  W4: { because: 'a lease begins before its handler does, so that it is over when the handler ends' },
  W5: need('key-prefix-indexed', 0n),
  W6: need('leases-never-end', 42n),
  B1: need('expiry-before-answers', 36n),
};
