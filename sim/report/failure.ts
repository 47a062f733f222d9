// A failure in at most 25 lines: the rule in plain words, where it broke, the story, and the command that replays it.

import type { Shrunk } from '../shrink.ts';
import type { Outcome } from '../simulation.ts';
import type { TraceEvent } from '../world/trace.ts';
import { describeLine, storyOf } from './story.ts';
import type { StoryLine } from './story.ts';

/** With the lines around it, a failure has 25 at most. */
const STORY_LINES_MAX = 18;
const LAST_LINES = 4;
const LINE_LENGTH_MAX = 120;

export type Failure = {
  readonly seed: string;
  readonly outcome: Outcome;
  readonly shrunk: { readonly shrunk: Shrunk; readonly seconds: number } | null;
  readonly commit: string;
  /** The command that lives it again. */
  readonly repro: string;
  /** The file with the story as a page, if one was written. */
  readonly page: string | null;
};

export function describeFailure({ seed, outcome, shrunk, commit, repro, page }: Failure): string {
  const { violation } = outcome;
  if (violation === null) return '';
  const told = shrunk?.shrunk.outcome ?? outcome;
  const where = `seed ${seed}  event ${outcome.trace.ordinal}  simulated ${formatMs(outcome.simulatedMs)}`;
  const story = storyOf(told.trace.events);
  return [
    `FAIL ${violation.rule} ${violation.sentence}`,
    `  ${where}`,
    `  ${told.violation?.message ?? violation.message}`.replaceAll('\n', ' ').slice(0, LINE_LENGTH_MAX),
    shrunk === null ? `  ${story.length} events; --shrink makes it shorter` : `  ${describeShrunk(shrunk)}`,
    ...excerpt(story, told).map((line) => `   ${line}`.slice(0, LINE_LENGTH_MAX)),
    ...(page === null ? [] : [`  story: ${page}`]),
    `  commit ${commit}, Node ${process.version}`,
    `  repro: ${repro}`,
  ].join('\n');
}

function describeShrunk({ shrunk, seconds }: NonNullable<Failure['shrunk']>): string {
  const { linesBefore, lines, runs } = shrunk;
  return `shrunk ${linesBefore} -> ${lines} events (${runs} runs, ${seconds.toFixed(1)} s)`;
}

export function describeEvent({ ordinal, actor, text, fault }: TraceEvent): string {
  const line = `e${ordinal} ${actor.padEnd(9)} ${text}`;
  return fault === null ? line : `${line.padEnd(70)} ${fault}`;
}

/** The whole story if it is short; else what matters: jobs and files that the failure names, faults, processes, the end. */
function excerpt(story: readonly StoryLine[], { violation }: Outcome): string[] {
  if (story.length <= STORY_LINES_MAX) return story.map(describeLine);
  const names = violation?.message.match(/\bj\d+\b|\b[a-z]+-\d{10}\.\w+/g) ?? [];
  const isNamed = ({ text }: StoryLine): boolean => names.some((name) => new RegExp(`\\b${name}\\b`).test(text));
  const last = story.slice(-LAST_LINES);
  const matters = story
    .slice(0, -LAST_LINES)
    .filter((line) => line.fault !== null || line.actor === 'server' || isNamed(line));
  const told = [...matters.slice(-(STORY_LINES_MAX - LAST_LINES - 1)), ...last];
  return [`… ${story.length - told.length} more`, ...told.map(describeLine)];
}

/** Simulated time as hours, minutes, seconds and milliseconds. */
export function formatMs(ms: number): string {
  const part = (value: number, digits: number): string => String(Math.floor(value)).padStart(digits, '0');
  return `${part(ms / 3_600_000, 2)}:${part((ms / 60_000) % 60, 2)}:${part((ms / 1000) % 60, 2)}.${part(ms % 1000, 3)}`;
}
