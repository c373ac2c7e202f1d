import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AlertState, decideAlert, defaultAlertRules, nothingTold } from '../../src/health/decideAlert.ts';
import type { Report } from '../../src/health/health.ts';
import { outboxFacts, pause, reportOf } from './someFacts.ts';

type Step = { at: number; report: Report };
type Told = { at: number; lines: string[] };

const S = 1_000;
const STEP_S = 5;

/** Plays reports every five seconds; each holds until the next one. Every message arrives unless `fails` says so. */
function play(steps: readonly Step[], untilS: number, fails: (at: number) => boolean = () => false): Told[] {
  let state: AlertState = nothingTold;
  const told: Told[] = [];
  for (let at = 0; at <= untilS; at += STEP_S) {
    const report = steps.findLast((step) => step.at <= at)?.report ?? reportOf();
    const { next, message } = decideAlert(state, report, defaultAlertRules, at * S);
    state = next;
    if (message === null) continue;
    told.push({ at, lines: message.text.split('\n').slice(1) });
    if (!fails(at)) state = message.ifTold;
  }
  return told;
}

const well = reportOf();
const broken = reportOf({ circuit: 'open' });
const away = reportOf({}, null);

describe('what people are told', () => {
  it('is nothing while all is well', () => {
    expect(play([{ at: 0, report: well }], 600)).toEqual([]);
  });

  it('is that health is worse, once it has been for a while, and that it is better', () => {
    const steps = [
      { at: 10, report: broken },
      { at: 200, report: well },
    ];
    expect(play(steps, 600)).toEqual([
      { at: 25, lines: ['degraded, was healthy', '• the circuit breaker is open: HubSpot fails, and rows wait'] },
      { at: 260, lines: ['healthy, was degraded'] },
    ]);
  });

  it('is nothing of what is over before it was told', () => {
    const steps = Array.from({ length: 50 }, (_, n) => ({ at: n * 10, report: n % 2 === 0 ? broken : well }));
    expect(play(steps, 700)).toEqual([]);
  });

  it('is the level that held all the while, though what is worse comes and goes', () => {
    const steps = Array.from({ length: 60 }, (_, n) => ({ at: n * 10, report: n % 2 === 0 ? broken : away }));
    expect(play(steps, 590)).toEqual([
      { at: 15, lines: [expect.stringMatching(/^degraded, was healthy$/), expect.any(String)] },
    ]);
  });

  it('is that it is unhealthy although it was told as degraded, a minute later at the soonest', () => {
    const told = play(
      [
        { at: 0, report: broken },
        { at: 20, report: away },
      ],
      300,
    );
    expect(told.map(({ at, lines }) => [at, lines[0]])).toEqual([
      [15, 'degraded, was healthy'],
      [75, 'unhealthy, was degraded'],
    ]);
  });

  it('is that an object pauses and goes on, with the code and without the reason', () => {
    const paused = reportOf({ pauses: [pause('contacts', 'READ_ONLY_VALUE', { reason: 'bob@example.com' })] });
    const told = play(
      [
        { at: 0, report: paused },
        { at: 100, report: well },
      ],
      300,
    );
    expect(told.map(({ at }) => at)).toEqual([15, 160]);
    expect(told[0]?.lines).toContain('contacts is paused: READ_ONLY_VALUE');
    expect(told[1]?.lines).toContain('contacts goes on (was paused: READ_ONLY_VALUE)');
    expect(JSON.stringify(told)).not.toContain('bob');
  });

  it('is not that a pause ended which goes on for another reason', () => {
    const first = reportOf({ pauses: [pause('*', 'FORBIDDEN')] });
    const second = reportOf({ pauses: [pause('*', 'UNAUTHORIZED')] });
    const lines = play(
      [
        { at: 0, report: first },
        { at: 100, report: second },
      ],
      400,
    ).flatMap((each) => each.lines);
    expect(lines).toContain('every object is paused: FORBIDDEN');
    expect(lines).toContain('every object is paused: UNAUTHORIZED');
    expect(lines.filter((line) => line.includes('goes on'))).toEqual([]);
  });

  it('joins what changes within a minute', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const steps = names.map((_, n) => ({
      at: n * 10,
      report: reportOf({ pauses: names.slice(0, n + 1).map((name) => pause(name)) }),
    }));
    const told = play(steps, 600);
    expect(told.map(({ at, lines }) => [at, lines.filter((line) => line.includes('is paused: ')).length])).toEqual([
      [15, 1],
      [75, 5],
    ]);
  });

  it('is that poison passes a threshold, and ten times it, and falls well below', () => {
    const poison = (count: number) => reportOf({}, outboxFacts({ poison: count, records: 99_000 }));
    const steps = [
      { at: 0, report: poison(99) },
      { at: 100, report: poison(100) },
      { at: 200, report: poison(85) },
      { at: 400, report: poison(5_000) },
      { at: 700, report: poison(10) },
    ];
    expect(play(steps, 1_000)).toEqual([
      { at: 115, lines: ['contacts has 100 poison rows, over 100: hubspot-outbox poison list'] },
      { at: 415, lines: ['contacts has 5000 poison rows, over 1000: hubspot-outbox poison list'] },
      { at: 760, lines: ['contacts has 10 poison rows, below 100 again'] },
    ]);
  });

  it('does not take a database that is away for poison that is gone', () => {
    const poisoned = reportOf({}, outboxFacts({ poison: 500, records: 99_000 }));
    const told = play(
      [
        { at: 0, report: poisoned },
        { at: 100, report: away },
        { at: 400, report: poisoned },
      ],
      700,
    );
    expect(told.flatMap(({ lines }) => lines).filter((line) => line.includes('poison rows'))).toHaveLength(1);
  });

  it('is nothing more once the worker stops', () => {
    expect(play([{ at: 0, report: reportOf({ circuit: 'open', isStopping: true }) }], 300)).toEqual([]);
  });

  it('is told again when it did not arrive, a minute later, as it is by then', () => {
    const steps = [
      { at: 0, report: broken },
      { at: 50, report: away },
    ];
    const told = play(steps, 300, (at) => at < 70);
    expect(told.map(({ at, lines }) => [at, lines[0]])).toEqual([
      [15, 'degraded, was healthy'],
      [75, 'unhealthy, was healthy'],
    ]);
  });

  it('is never a flood and holds nothing to escape, whatever happens', () => {
    const anyPause = fc.record({
      object: fc.constantFrom('contacts', 'orders', '*'),
      code: fc.string(),
      reason: fc.string(),
      since: fc.nat(),
    });
    const anyReport = fc
      .record({
        pauses: fc.array(anyPause, { maxLength: 4 }),
        circuit: fc.constantFrom('closed' as const, 'open' as const),
        poison: fc.option(fc.nat(3_000)),
      })
      .map(({ pauses, circuit, poison }) =>
        reportOf({ pauses, circuit }, poison === null ? null : outboxFacts({ poison, records: 99_000 })),
      );
    fc.assert(
      fc.property(fc.array(anyReport, { minLength: 1, maxLength: 60 }), (reports) => {
        const told = play(
          reports.map((report, n) => ({ at: n * STEP_S, report })),
          reports.length * STEP_S + 300,
        );
        for (const kind of [/, was (healthy|degraded|unhealthy)$/, /paused: /, /poison rows, /]) {
          const times = told
            .filter(({ lines }) => lines.some((line) => !line.startsWith('•') && kind.test(line)))
            .map(({ at }) => at);
          for (const [n, at] of times.entries()) if (n > 0) expect(at - (times[n - 1] ?? 0)).toBeGreaterThanOrEqual(60);
        }
        for (const { lines } of told) for (const line of lines) expect(line).toMatch(/^[\w •:;,.%()*/-]+$/);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
