import { shown } from './figures.ts';
import type { Check, Figure, Row } from './scenario.ts';

export const HEADINGS = ['scenario', 'ours', 'peer or limit', 'ratio', 'target', 'met'] as const;

/** Whether every part of the target holds; null for a line without one. */
export function isMet({ checks }: Row): boolean | null {
  return checks.length === 0 ? null : checks.every(holds);
}

function holds({ value, is, bound }: Check): boolean {
  // A number that could not be measured meets nothing.
  return is === '≤' ? value <= bound : value >= bound;
}

/** The cells of a line, in the order of the headings. */
export function cells(row: Row): string[] {
  const met = isMet(row);
  return [
    row.scenario,
    figure(row.ours),
    row.beside === null ? '' : `${figure(row.beside)} (${row.beside.what})`,
    ratio(row),
    row.checks.map(target).join(', '),
    met === null ? '' : met ? 'met' : 'NOT MET',
  ];
}

function figure({ value, unit }: Figure): string {
  return `${shown(value)} ${unit}`;
}

function ratio({ ours, beside }: Row): string {
  if (beside === null || beside.unit !== ours.unit || beside.value === 0) return '';
  return `${(ours.value / beside.value).toFixed(2)} ×`;
}

/** What was measured stands in the target only where the line does not show it already. */
function target({ is, bound, unit }: Check): string {
  return `${is} ${shown(bound)} ${unit}`;
}

/** Aligned text for a terminal. */
export function textTable(rows: readonly Row[]): string {
  const lines = [[...HEADINGS], ...rows.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function markdownTable(rows: readonly Row[]): string {
  const line = (list: readonly string[]) => `| ${list.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(HEADINGS), line(HEADINGS.map(() => '---')), ...rows.map((row) => line(cells(row)))].join('\n');
}
