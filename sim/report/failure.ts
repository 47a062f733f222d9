// A failure in at most 25 lines: the rule in plain words, where it broke, the story, and the command that replays it.

import type { FaultSelection } from '../faults.ts';
import type { Shrunk } from '../shrink.ts';
import type { Outcome } from '../simulation.ts';
import type { TraceEvent } from '../world/trace.ts';

const STORY_LINES_MAX = 16;
const LINE_LENGTH_MAX = 120;

export type Failure = {
  readonly seed: string;
  readonly outcome: Outcome;
  readonly shrunk: Shrunk | null;
  readonly commit: string;
  readonly faults: FaultSelection;
};

export function describeFailure({ seed, outcome, shrunk, commit, faults }: Failure): string {
  const { violation } = outcome;
  if (violation === null) return '';
  const told = shrunk?.outcome ?? outcome;
  const { only, without } = faults;
  const options = [
    only.length > 0 ? `--only ${only.join(',')}` : '',
    without.length > 0 ? `--without ${without.join(',')}` : '',
    shrunk === null ? '' : '--shrink',
  ].filter((option) => option !== '');
  return [
    `FAIL ${violation.rule} ${violation.sentence}`,
    `  seed ${seed}  event ${outcome.trace.ordinal}  simulated ${formatMs(outcome.simulatedMs)}`,
    `  ${told.violation?.message ?? violation.message}`.slice(0, 2 * LINE_LENGTH_MAX),
    shrunk === null
      ? `  ${outcome.trace.ordinal} events; --shrink makes it shorter`
      : `  shrunk ${shrunk.eventsBefore} -> ${told.trace.ordinal} events (${shrunk.runs} runs)`,
    ...storyOf(told).map((event) => `   ${describeEvent(event)}`.slice(0, LINE_LENGTH_MAX)),
    `  commit ${commit}, Node ${process.version}`,
    `  repro: npm run sim -- --seed ${seed}${options.map((option) => ` ${option}`).join('')}`,
  ].join('\n');
}

export function describeEvent({ ordinal, actor, text, fault }: TraceEvent): string {
  const line = `e${ordinal} ${actor.padEnd(9)} ${text}`;
  return fault === null ? line : `${line.padEnd(70)} ${fault}`;
}

/** What matters: the jobs and files that the failure names, faults, crashes and starts; then the last events before it. */
function storyOf({ trace, violation }: Outcome): TraceEvent[] {
  const { events } = trace;
  if (events.length <= STORY_LINES_MAX) return [...events];
  const names = violation?.message.match(/\bj\d+\b|\b[a-z]+-\d{10}\.\w+/g) ?? [];
  const isNamed = ({ text }: TraceEvent): boolean => names.some((name) => new RegExp(`\\b${name}\\b`).test(text));
  const matters = events.filter((event) => event.fault !== null || event.actor === 'server' || isNamed(event));
  const last = events.slice(-4);
  return [...matters.filter((event) => !last.includes(event)).slice(-(STORY_LINES_MAX - last.length)), ...last];
}

/** Simulated time as hours, minutes, seconds and milliseconds. */
export function formatMs(ms: number): string {
  const part = (value: number, digits: number): string => String(Math.floor(value)).padStart(digits, '0');
  return `${part(ms / 3_600_000, 2)}:${part((ms / 60_000) % 60, 2)}:${part((ms / 1000) % 60, 2)}.${part(ms % 1000, 3)}`;
}
