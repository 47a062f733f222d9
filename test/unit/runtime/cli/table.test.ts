import { describe, expect, it } from 'vitest';
import { bytesText, columns, durationText, facts, printable, table } from '../../../../runtime/cli/table.ts';

const plain = { paint: (_: string, text: string) => text };
const loud = { paint: (style: string, text: string) => `<${style}>${text}</>` };

describe('a table', () => {
  it('stands under its heading, numbers to the right', () => {
    const text = table(plain, { heading: ['NAME', 'N'], rows: [['a', '7'], ['longer', '1000']], right: [1] }); // prettier-ignore
    expect(text).toBe('NAME       N\na          7\nlonger  1000\n');
  });

  it('is as wide with colours as without', () => {
    const content = { heading: ['STATE', 'X'], rows: [['dead', 'x'], ['pending', 'y']] }; // prettier-ignore
    const styled = table(loud, content, (cell) => (cell === 'dead' ? 'red' : undefined));
    expect(styled).toContain('<red>dead   </>  x');
    expect(styled.replaceAll(/<[^>]*>/g, '')).toBe(table(plain, content));
  });

  it('lets no cell move the cursor, recolour the screen or turn the direction of writing', () => {
    const hostile = '\u001b[2J\u009b31m\r\n\u202e\ud800';
    expect(printable(hostile)).toBe('\\u001b[2J\\u009b31m\\u000d\\u000a\\u202e\\ud800');
    expect(columns([[hostile]])).not.toMatch(/[\u001b\u009b\r\n]/); // oxlint-disable-line no-control-regex
    expect(facts(plain, [['error', hostile]]).split('\n')).toHaveLength(2);
    expect(printable('żółw 🐢 ok')).toBe('żółw 🐢 ok');
  });
});

it('facts leave out what is not there', () => {
  expect(facts(plain, [['id', 'x'], ['nothing', null]])).toBe('id       x\n'); // prettier-ignore
});

it.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1536, '1.5 KiB'],
  [1073741824, '1.0 GiB'],
])('%i bytes are %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

it.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1_000, '1 s'],
  [61_000, '1 min 1 s'],
  [3_600_000, '1 h'],
  [90_061_000, '1 d 1 h'],
])('%i ms are %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
