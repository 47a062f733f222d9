import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Heap } from '../../core/queue/heap.ts';

type Entry = { place: number; readonly key: number };

it('a heap gives its entries in order, whatever was taken out of its middle', () => {
  const commands = fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant('first'), fc.constant('any')));
  fc.assert(
    fc.property(commands, fc.infiniteStream(fc.nat()), (steps, chance) => {
      const heap = new Heap<Entry>((a, b) => a.key < b.key);
      const model: Entry[] = [];
      for (const step of steps) {
        if (typeof step === 'number') {
          const entry = { place: -1, key: step };
          heap.add(entry);
          model.push(entry);
        } else if (model.length > 0) {
          const entry = step === 'first' ? heap.first : model[(chance.next().value ?? 0) % model.length];
          if (entry === undefined) throw new Error('a heap with entries has a first one');
          heap.remove(entry);
          model.splice(model.indexOf(entry), 1);
          expect(entry.place).toBe(-1);
        }
        expect(heap.size).toBe(model.length);
        expect(heap.first?.key).toBe(model.length === 0 ? undefined : Math.min(...model.map(({ key }) => key)));
      }
    }),
  );
});

it('an entry that is in no heap is not removed, and one that is in a heap is not added again', () => {
  const heap = new Heap<Entry>((a, b) => a.key < b.key);
  const entry = { place: -1, key: 1 };
  expect(() => heap.remove(entry)).toThrow('only an entry of this heap');
  heap.add(entry);
  expect(() => heap.add(entry)).toThrow('one heap at a time');
});
