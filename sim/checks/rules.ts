// All rules that a life is held to, by name.

import { linearizable } from './o2-linearizable.ts';
import { reference } from './o1-reference.ts';
import { recoveryIsBounded } from './l3-recovery-is-bounded.ts';
import { roomIsNoticed } from './l5-room-is-noticed.ts';
import { nobodyStarves } from './l6-nobody-starves.ts';
import { throughputReturns } from './l7-throughput-returns.ts';
import { duplicatesAreExplained } from './o6-duplicates-are-explained.ts';
import { acknowledgedIsKept } from './s1-acknowledged-is-kept.ts';
import { terminalIsFinal } from './s10-terminal-is-final.ts';
import { legalTransitions } from './s11-legal-transitions.ts';
import { backoffIsKept } from './s12-backoff.ts';
import { neverEarly } from './s13-never-early.ts';
import { order } from './s14-order.ts';
import { cancelledStays } from './s15-cancelled-stays.ts';
import { deadIsDeserved } from './s16-dead-is-deserved.ts';
import { wholeOrNotAtAll } from './s2-whole-or-not-at-all.ts';
import { retention } from './s20-retention.ts';
import { counters } from './s22-counters.ts';
import { twoTablesOneContent } from './s23-two-tables-one-content.ts';
import { recoveredIsHistory } from './s24-recovered-is-history.ts';
import { historyIsFixed } from './s25-history-is-fixed.ts';
import { acknowledgedIsDurable } from './s26-acknowledged-is-durable.ts';
import { nothingLeavesEarly } from './s27-nothing-leaves-early.ts';
import { reads } from './s28-reads.ts';
import { bounds } from './s29-bounds.ts';
import { replayIsAnswered } from './s31-replay-is-answered.ts';
import { endsHaveCauses } from './s32-ends-have-causes.ts';
import { lostLeaseIsTold } from './s33-lost-lease-is-told.ts';
import { steadyClock } from './s34-steady-clock.ts';
import { orderlyShutdown } from './s35-orderly-shutdown.ts';
import { pages } from './s36-pages.ts';
import { feedIsWhole } from './s37-feed-is-whole.ts';
import { leaseIsJudged } from './s38-lease-is-judged.ts';
import { overloadIsReal } from './s40-overload-is-real.ts';
import { idleIsQuiet } from './s39-idle-is-quiet.ts';
import { refusedIsNeverSeen } from './s3-refused-is-never-seen.ts';
import { oneKeyOneJob } from './s4-one-key-one-job.ts';
import { anotherPayloadIsRefused } from './s5-another-payload-is-refused.ts';
import { succeededHasRun } from './s6-succeeded-has-run.ts';
import { oneCurrentAttempt } from './s7-one-current-attempt.ts';
import { budgets } from './s8-budgets.ts';
import { concurrency } from './s9-concurrency.ts';
import { Violation } from './check.ts';
import type { Check } from './check.ts';

export const CHECKS: readonly Check[] = [
  acknowledgedIsKept,
  wholeOrNotAtAll,
  refusedIsNeverSeen,
  oneKeyOneJob,
  anotherPayloadIsRefused,
  succeededHasRun,
  oneCurrentAttempt,
  budgets,
  concurrency,
  terminalIsFinal,
  legalTransitions,
  backoffIsKept,
  neverEarly,
  order,
  cancelledStays,
  deadIsDeserved,
  retention,
  counters,
  recoveredIsHistory,
  historyIsFixed,
  acknowledgedIsDurable,
  nothingLeavesEarly,
  reads,
  replayIsAnswered,
  endsHaveCauses,
  lostLeaseIsTold,
  steadyClock,
  orderlyShutdown,
  pages,
  feedIsWhole,
  leaseIsJudged,
  overloadIsReal,
  idleIsQuiet,
  reference,
  linearizable,
  twoTablesOneContent,
  duplicatesAreExplained,
  bounds,
  recoveryIsBounded,
  roomIsNoticed,
  nobodyStarves,
  throughputReturns,
];

/** Rules that the simulation itself holds: they speak of time and of the process, not of one event. */
export const OWN_RULES = [
  { name: 'S30', sentence: 'the process never stops because of a broken invariant or an error of its own' },
  { name: 'D13', sentence: 'a start is never refused as damaged while the disk has only done what a crash may do' },
  {
    name: 'D12',
    sentence: 'damage to what was durable is refused, with its place, or repaired: it never makes another state',
  },
  { name: 'D11', sentence: 'a start does not end for lack of room while the room of its reserve is left' },
  { name: 'FEED', sentence: 'a reader of the feed sees every event once and in order, or is told of a gap' },
  { name: 'DISK', sentence: 'a disk program keeps the discipline of the disk: it writes only what it made and trusts' },
  { name: 'L1', sentence: 'once all faults have stopped, every job reaches a terminal state within a bound' },
  { name: 'L2', sentence: 'once all faults have stopped, every request is answered and every client comes to its end' },
  { name: 'L4', sentence: 'the queue never turns in circles: events do not go on without end' },
] as const;

export type OwnRule = (typeof OWN_RULES)[number]['name'];

/** The plain sentence of a rule; undefined if there is no such rule. */
export const sentenceOf = (name: string): string | undefined =>
  [...CHECKS, ...OWN_RULES].find((rule) => rule.name === name)?.sentence;

/** A rule of the simulation itself was broken. */
export function broken(rule: OwnRule, detail: string): Violation {
  return new Violation({ rule, sentence: sentenceOf(rule) ?? rule, detail });
}
