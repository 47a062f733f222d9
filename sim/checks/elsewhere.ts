// Rules that no single life is held to: where they are held instead, or what they wait for.

export type ElsewhereRule = {
  readonly name: string;
  readonly sentence: string;
  /** The command or the test that holds it; null if it speaks of what does not exist yet. */
  readonly heldBy: string | null;
};

export const ELSEWHERE: readonly ElsewhereRule[] = [
  {
    name: 'S17',
    sentence:
      'in a chain of jobs a child never runs before the condition of its parent holds, and a parent completes once',
    heldBy: null,
  },
  { name: 'S18', sentence: 'no window of time sees more starts than a rate limit allows', heldBy: null },
  { name: 'S19', sentence: 'each tick of a recurring schedule is enqueued at most once', heldBy: null },
  {
    name: 'S21',
    sentence: 'the reducer is pure and total: it answers alike each time, touches nothing, and refuses what is illegal',
    heldBy: 'test/property/reduce.test.ts',
  },
  {
    name: 'L8',
    sentence: 'a life that does not go on says why before it is called a bug',
    heldBy: 'the report of each broken L1 and L2, and test/unit/sim/why-stuck.test.ts',
  },
  {
    name: 'O3',
    sentence: 'the runtime and the simulated process make the same of the same tape',
    heldBy: 'test/process/real-world.test.ts',
  },
  {
    name: 'O4',
    sentence: 'what a recovery finds is the state after some of the commands, all that were acknowledged among them',
    heldBy: 'npm run sim -- --exhaustive 3',
  },
  {
    name: 'O5',
    sentence: 'two lives that differ in what must not matter come to the same end',
    heldBy: 'test/simulation/metamorphic.test.ts',
  },
  {
    name: 'O7',
    sentence: 'the events of each job follow the table of transitions, and the diagram of the README is that table',
    heldBy: 'S11 in each life, and test/unit/readme.test.ts',
  },
  {
    name: 'O8',
    sentence: 'the rules hold in all orders of the events of a small world',
    heldBy: 'npm run sim -- --interleavings',
  },
  {
    name: 'O9',
    sentence: 'the real server on real files, killed and cut off, agrees with the simulated one',
    heldBy: 'test/process/real-world.test.ts',
  },
];

/** The rule in plain words, and where it stands. */
export const describeElsewhere = ({ sentence, heldBy }: ElsewhereRule): string =>
  heldBy === null
    ? `${sentence} (not held: it speaks of something that does not exist yet)`
    : `${sentence} (held by ${heldBy})`;
