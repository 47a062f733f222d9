import { expect, test } from 'vitest';
import { JsonText } from '../../../../core/job/job.ts';
import { coalesce } from '../../../../runtime/worker/coalesce.ts';

type Sent = { readonly text: string; readonly resolve: () => void; readonly reject: (error: Error) => void };

function sender() {
  const sent: Sent[] = [];
  const report = coalesce(
    (text: JsonText) =>
      new Promise<void>((resolve, reject) => {
        sent.push({ text, resolve, reject });
      }),
  );
  const progress = (value: unknown): { done: boolean; promise: Promise<void> } => {
    const state = { done: false, promise: report(JsonText(value)) };
    state.promise.then(
      () => (state.done = true),
      () => undefined,
    );
    return state;
  };
  return { sent, progress };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('one value is on its way, and of those behind it only the latest follows', async () => {
  const { sent, progress } = sender();
  const reports = [1, 2, 3, 4].map(progress);
  await turn();
  expect(sent.map(({ text }) => text)).toEqual(['1']);

  sent[0]?.resolve();
  await turn();
  expect(sent.map(({ text }) => text)).toEqual(['1', '4']);
  expect(reports.map(({ done }) => done)).toEqual([true, false, false, false]);

  sent[1]?.resolve();
  await turn();
  expect(reports.map(({ done }) => done)).toEqual([true, true, true, true]);
});

test('what waits for one value shares one promise: memory does not grow with the calls', async () => {
  const { sent, progress } = sender();
  const promises = Array.from({ length: 1_000 }, (_, value) => progress(value).promise);
  expect(new Set(promises).size).toBe(2);

  sent[0]?.resolve();
  await turn();
  sent[1]?.resolve();
  await Promise.all(promises);
  expect(sent.map(({ text }) => text)).toEqual(['0', '999']);
});

test('a value reported in the very moment in which another arrives never overtakes the one that waits', async () => {
  const { sent, progress } = sender();
  const first = progress(1);
  progress(2);
  const third = first.promise.then(() => progress(3));
  sent[0]?.resolve();
  await third;
  await turn();
  sent[1]?.resolve();
  await turn();
  sent[2]?.resolve();
  await turn();
  const texts = sent.map(({ text }) => text);
  expect(texts).toEqual([...texts].sort());
  expect(texts.at(-1)).toBe('3');
});

test('a refusal reaches those whose value it was, and the next value is tried all the same', async () => {
  const { sent, progress } = sender();
  const first = progress(1);
  const second = progress(2);
  sent[0]?.reject(new Error('the disk is full'));
  await expect(first.promise).rejects.toThrow('the disk is full');
  await turn();
  expect(sent.map(({ text }) => text)).toEqual(['1', '2']);
  sent[1]?.resolve();
  await second.promise;
});
