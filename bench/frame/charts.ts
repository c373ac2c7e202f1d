import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { init } from 'echarts';
import type { Result } from './results.ts';
import type { ChartName } from './scenario.ts';

const CHARTS: Record<ChartName, { title: string; x: string; y: string }> = {
  drain: { title: 'First load: records HubSpot was given', x: 'seconds', y: 'records' },
  memory: { title: 'Memory of the worker while rows wait', x: 'seconds', y: 'RSS, MB' },
  latency: { title: 'Age of a change when HubSpot takes it', x: 'milliseconds', y: '% of changes' },
};

/** One SVG a chart, with the curves of every server. */
export function drawCharts(results: readonly Result[], folder: string): void {
  for (const name of Object.keys(CHARTS) as ChartName[]) {
    const curves = results.flatMap(({ server, curves: all }) =>
      all.filter(({ chart }) => chart === name).map((curve) => ({ ...curve, name: `${curve.name} (${server})` })),
    );
    if (curves.length > 0) writeFileSync(join(folder, `${name}.svg`), draw(CHARTS[name], curves));
  }
}

type Drawn = { name: string; points: [number, number][] };

function draw({ title, x, y }: { title: string; x: string; y: string }, curves: readonly Drawn[]): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 800, height: 420 });
  chart.setOption({
    animation: false,
    backgroundColor: '#fff',
    title: { text: title, left: 'center' },
    legend: { top: 30 },
    grid: { left: 70, right: 30, top: 30 + 28 * Math.ceil(curves.length / 2), bottom: 50 },
    xAxis: { type: 'value', name: x, nameLocation: 'middle', nameGap: 28, min: 0 },
    yAxis: { type: 'value', name: y, min: 0 },
    series: curves.map(({ name, points }) => ({ type: 'line', name, data: points, showSymbol: false })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
