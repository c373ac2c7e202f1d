import { describe, expect, it } from 'vitest';
import { inPairs, median, percentile, shown } from '../../bench/frame/figures.ts';
import type { Row } from '../../bench/frame/scenario.ts';
import { cells, isMet, markdownTable, textTable } from '../../bench/frame/table.ts';

const row: Row = {
  scenario: 'first load',
  ours: { value: 31.2, unit: 's' },
  beside: { value: 30, unit: 's', what: 'the limit' },
  checks: [{ value: 31.2 / 30, is: '≤', bound: 1.05, unit: '×' }],
};

describe('the figures of the bench', () => {
  it('takes the middle value, and the mean of two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([7])).toBe(7);
  });

  it('takes a percentile by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => n + 1);
    expect(percentile(hundred, 50)).toBe(50);
    expect(percentile(hundred, 99)).toBe(99);
    expect(percentile([10, 20], 99)).toBe(20);
  });

  it('refuses to make a figure of nothing', () => {
    expect(() => median([])).toThrow('got none');
  });

  it('runs two things in turn', async () => {
    const order: string[] = [];
    const note = async (name: string) => order.push(name);
    const { a, b } = await inPairs(
      2,
      () => note('a'),
      () => note('b'),
    );
    expect(order).toEqual(['a', 'b', 'a', 'b']);
    expect([a, b]).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });

  it('shows three digits that matter', () => {
    expect([0.1234, 12.34, 1234.5, 1_000_000, 3].map(shown)).toEqual(['0.12', '12.3', '1,235', '1,000,000', '3']);
  });
});

describe('the table of the bench', () => {
  it('says whether every part of a target holds', () => {
    expect(isMet(row)).toBe(true);
    expect(isMet({ ...row, checks: [...row.checks, { value: 1, is: '≤', bound: 0, unit: 'answers 429' }] })).toBe(
      false,
    );
    expect(isMet({ ...row, checks: [{ value: 0.4, is: '≥', bound: 0.5, unit: '×' }] })).toBe(false);
  });

  it('takes what could not be measured for not met', () => {
    expect(isMet({ ...row, checks: [{ value: Number.NaN, is: '≤', bound: 5, unit: 'ms' }] })).toBe(false);
  });

  it('judges no line without a target', () => {
    expect(isMet({ ...row, checks: [] })).toBeNull();
  });

  it('shows ours, the peer, their ratio, the target and whether it is met', () => {
    expect(cells(row)).toEqual(['first load', '31.2 s', '30 s (the limit)', '1.04 ×', '≤ 1.05 ×', 'met']);
  });

  it('makes no ratio of different units', () => {
    expect(cells({ ...row, ours: { value: 3, unit: 'ms' } })[3]).toBe('');
  });

  it('aligns its columns in a terminal and escapes bars in Markdown', () => {
    const [heading = '', line = ''] = textTable([row]).split('\n');
    expect(heading.indexOf('target')).toBe(line.indexOf('≤ 1.05'));
    expect(markdownTable([{ ...row, scenario: 'a|b' }])).toContain('| a\\|b |');
  });
});
