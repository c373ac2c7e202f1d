import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { drawCharts } from './charts.ts';
import type { Curve, Row } from './scenario.ts';
import { markdownTable } from './table.ts';

/** What one scenario gave on one server. */
export type Result = { scenario: string; server: string; measuredOn: string; rows: Row[]; curves: Curve[] };

const folder = new URL('../', import.meta.url);
const books = new URL('results.json', folder);
const page = new URL('RESULTS.md', folder);
const BEGIN = '<!-- measured: written by npm run bench -->';
const END = '<!-- end of what was measured -->';

/** Puts new results in the place of earlier ones of the same scenario and server; what was not run again stays. */
export function keepResults(results: readonly Result[], order: readonly string[]): void {
  const earlier = existsSync(books) ? (JSON.parse(readFileSync(books, 'utf8')) as Result[]) : [];
  const isNew = ({ scenario, server }: Result) =>
    results.some((each) => each.scenario === scenario && each.server === server);
  const all = [...earlier.filter((result) => !isNew(result)), ...results].sort(
    (a, b) => a.server.localeCompare(b.server) || order.indexOf(a.scenario) - order.indexOf(b.scenario),
  );
  writeFileSync(books, `${JSON.stringify(all, rounded)}\n`);
  const text = readFileSync(page, 'utf8');
  const [before = ''] = text.split(BEGIN);
  const after = text.split(END)[1] ?? '\n';
  writeFileSync(page, `${before}${BEGIN}\n\n${measuredPart(all)}\n\n${END}${after}`);
  const charts = fileURLToPath(new URL('charts/', folder));
  mkdirSync(charts, { recursive: true });
  drawCharts(all, charts);
}

/** Digits beyond these were not measured. */
function rounded(_name: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}

function measuredPart(results: readonly Result[]): string {
  const servers = [...new Set(results.map(({ server }) => server))];
  return [
    machine(),
    ...servers.map((server) =>
      serverPart(
        server,
        results.filter((each) => each.server === server),
      ),
    ),
  ].join('\n\n');
}

function serverPart(server: string, results: readonly Result[]): string {
  const rows = results.flatMap((result) => result.rows);
  const notes = rows.flatMap(({ scenario, note }) => (note === undefined ? [] : [`- ${scenario}: ${note}`]));
  const days = [...new Set(results.map(({ measuredOn }) => measuredOn))].sort().join(', ');
  return `## ${server}\n\nMeasured ${days}.\n\n${markdownTable(rows)}\n\n${notes.join('\n')}`;
}

/** What it was measured on. */
export function machine(): string {
  const [cpu] = cpus();
  const memoryGb = Math.round(totalmem() / 1024 ** 3);
  return `Machine: ${cpus().length} × ${cpu?.model.trim()}, ${memoryGb} GB, Linux ${release()}, Node ${process.versions.node}. HubSpot, the database, the worker and the load share it.`;
}
