import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { noCounts } from '../../src/counts.ts';
import { createMetrics } from '../../src/health/metrics.ts';
import { packagePath } from '../../src/packageRoot.ts';
import { type Family, parseExposition } from './exposition.ts';
import { pause, reportOf } from './someFacts.ts';

type Rule = {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
};
type Panel = { id: number; title: string; gridPos: Box; targets: { expr: string }[]; datasource: { uid: string } };
type Box = { x: number; y: number; w: number; h: number };

const rules = (
  parse(readFileSync(packagePath('docs', 'alerts.yml'), 'utf8')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(packagePath('docs', 'grafana.json'), 'utf8')) as { panels: Panel[] };
const expressions = {
  'docs/alerts.yml': rules.map(({ expr }) => expr),
  'docs/grafana.json': dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
};

const METRIC = /\b(?:hubspot_outbox|process|nodejs)_[a-z0-9_]+/g;

/** Metric families as a worker exposes them, each with a sample. */
async function families(): Promise<Map<string, Family>> {
  const metrics = createMetrics({ version: '1.2.3', objects: ['contacts'] });
  metrics.onAnswer('upsert', { status: 200, headers: {}, body: {}, latencyMs: 1 });
  metrics.onPass(noCounts(), 1);
  metrics.collect(reportOf({ pauses: [pause('contacts')] }));
  return parseExposition((await metrics.text()).text);
}

const familyOf = (name: string, known: Map<string, Family>) =>
  known.get(name) ?? known.get(name.replace(/_(bucket|sum|count)$/, ''));

describe.each(Object.entries(expressions))('%s', (_file, all) => {
  it('asks only for metrics that there are', async () => {
    const known = await families();
    const names = all.flatMap((expr) => expr.match(METRIC) ?? []);
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => familyOf(name, known) === undefined)).toEqual([]);
  });

  it('selects and groups only by labels that a metric has', async () => {
    const known = await families();
    for (const expr of all) {
      for (const [, name = '', selector = ''] of expr.matchAll(/([a-z_0-9]+)\{([^}]*)\}/g)) {
        const has = Object.keys(familyOf(name, known)?.samples[0]?.labels ?? {});
        expect(has, expr).toEqual(expect.arrayContaining(selector.split(',').map((part) => part.split(/[=!]/)[0])));
      }
      for (const [, list = '', name = ''] of expr.matchAll(/by \(([\w, ]+)\) \((?:\w+\()?([a-z_0-9]+)/g)) {
        const has = Object.keys(familyOf(name, known)?.samples[0]?.labels ?? {});
        expect(has, expr).toEqual(expect.arrayContaining(list.split(', ')));
      }
    }
  });

  it('selects only values that a label takes', async () => {
    const known = await families();
    const named = ['hubspot_outbox_health', 'hubspot_outbox_circuit_state', 'hubspot_outbox_definitions'];
    for (const expr of all) {
      for (const [, name = '', label = '', value] of expr.matchAll(/([a-z_]+)\{(\w+)!?="([^"]+)"\}/g)) {
        if (!named.includes(name) && name !== 'hubspot_outbox_records_total') continue;
        expect(
          known.get(name)?.samples.map(({ labels }) => labels[label]),
          expr,
        ).toContain(value);
      }
    }
  });

  it('takes rates of counters only', async () => {
    const known = await families();
    for (const expr of all) {
      for (const [, name = ''] of expr.matchAll(/(?:rate|increase)\(([a-z_0-9]+)/g)) {
        expect(['counter', 'histogram'], name).toContain(familyOf(name, known)?.type);
      }
      const counted = expr.match(METRIC)?.filter((name) => name.endsWith('_total')) ?? [];
      for (const name of counted) expect(expr).toMatch(new RegExp(`(rate|increase)\\(${name}`));
    }
  });

  it('closes what it opens', () => {
    for (const expr of all) {
      for (const [open, close] of ['()', '{}', '[]']) {
        expect(expr.split(open ?? '').length, expr).toBe(expr.split(close ?? '').length);
      }
    }
  });
});

describe('the alert rules', () => {
  it('each say what is wrong and what to do, and how bad it is', () => {
    for (const { alert, labels, annotations } of rules) {
      expect(alert).toMatch(/^HubspotOutbox[A-Z][A-Za-z]+$/);
      expect(['warning', 'critical'], alert).toContain(labels.severity);
      expect(annotations.summary, alert).toMatch(/^.{20,}\.$/);
      expect(annotations.runbook, alert).toMatch(/^.{30,}\.$/);
    }
  });

  it('are named once each', () => {
    const names = rules.map(({ alert }) => alert);
    expect(names).toEqual([...new Set(names)]);
  });

  it('take every way in which a call fails for a failure, and no other', () => {
    const { expr = '' } = rules.find(({ alert }) => alert === 'HubspotOutboxCallsFail') ?? {};
    const failed = new RegExp(`^(?:${/status=~"([^"]+)"/.exec(expr)?.[1]})$`);
    const statuses = ['200', '207', '400', '429', '500', '524', 'timeout', 'network', 'unreached', 'aborted'];
    expect(statuses.filter((status) => failed.test(status))).toEqual(['500', '524', 'timeout', 'network', 'unreached']);
  });

  it('watch every gauge that tells of trouble', () => {
    const asked = expressions['docs/alerts.yml'].join(' ');
    for (const name of [
      'health',
      'database_up',
      'oldest_pending_seconds',
      'paused',
      'circuit_state',
      'poison_records',
      'api_calls_today',
      'daily_limit_reached',
      'redis_degraded',
      'definitions',
      'unfollowed_watches',
    ]) {
      expect(asked).toContain(`hubspot_outbox_${name}`);
    }
  });
});

describe('the dashboard', () => {
  it('shows every metric of the program', async () => {
    const asked = new Set(expressions['docs/grafana.json'].flatMap((expr) => expr.match(METRIC) ?? []));
    const shown = [...asked].map((name) => name.replace(/_bucket$/, ''));
    const ours = [...(await families()).keys()].filter((name) => name.startsWith('hubspot_outbox_'));
    expect(ours.filter((name) => !shown.includes(name))).toEqual([]);
  });

  it('has panels of their own ids and places, from the data source the viewer picks', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
    for (const [n, { gridPos: a, title, datasource }] of dashboard.panels.entries()) {
      expect(datasource.uid, title).toBe(`\${datasource}`);
      expect(a.x + a.w, title).toBeLessThanOrEqual(24);
      for (const { gridPos: b, title: other } of dashboard.panels.slice(n + 1)) {
        const overlap = a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
        expect(overlap, `${title} over ${other}`).toBe(false);
      }
    }
  });
});
