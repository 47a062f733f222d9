// What is left of a life when it is over: small enough to pass between processes and to add up.

import { formatSeed } from './seed.ts';
import type { Outcome } from './simulation.ts';

export type Summary = {
  readonly seed: string;
  readonly hash: string;
  readonly steps: number;
  readonly crashes: number;
  readonly recoveries: number;
  readonly jobs: number;
  readonly simulatedMs: number;
  /** How often each fault that was on has struck. */
  readonly fired: Readonly<Record<string, number>>;
  readonly rule: string | null;
};

export function summarize(seed: bigint, outcome: Outcome): Summary {
  const { hash, steps, crashes, recoveries, jobs, simulatedMs, fired, violation } = outcome;
  const rule = violation?.rule ?? null;
  return {
    seed: formatSeed(seed),
    hash,
    steps,
    crashes,
    recoveries,
    jobs,
    simulatedMs,
    fired: Object.fromEntries(fired),
    rule,
  };
}

/** Sums over many lives. */
export class Tally {
  lives = 0;
  steps = 0;
  crashes = 0;
  recoveries = 0;
  jobs = 0;
  readonly fired = new Map<string, number>();
  readonly failures: Summary[] = [];

  add(summary: Summary): void {
    this.lives += 1;
    this.steps += summary.steps;
    this.crashes += summary.crashes;
    this.recoveries += summary.recoveries;
    this.jobs += summary.jobs;
    for (const [code, count] of Object.entries(summary.fired)) {
      this.fired.set(code, (this.fired.get(code) ?? 0) + count);
    }
    if (summary.rule !== null) this.failures.push(summary);
  }
}

/** The exit code that a broken rule stands for. */
export function exitCodeOf(rule: string): number {
  if (rule === 'S30') return 127;
  return rule.startsWith('L') ? 128 : 129;
}
