import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/hubspot/client.ts';
import { judge, retryAfterMs } from '../../src/hubspot/responses.ts';
import { answered, ofEverybody, ofMapping, quoting, refusing } from './bodies.ts';
import { anyBody } from './json.ts';

describe('judging an answer', () => {
  it.each([...quoting, ...refusing, ...ofMapping, ...ofEverybody, ...answered])(
    'knows what it asks for: $status, $title',
    ({ status, body, headers = {}, verdict }) => {
      expect(judge(answer({ status, body, headers }))).toMatchObject(verdict);
    },
  );

  it('names what the mapping has wrong', () => {
    const reasons = ofMapping.map(({ status, body }) => judge(answer({ status, body })));
    expect(reasons).toMatchObject([
      { reason: expect.stringContaining('testproperty') },
      { reason: expect.stringContaining('gone') },
      { reason: expect.stringContaining('createdate') },
      { reason: expect.stringContaining('match_on') },
      { reason: expect.stringContaining('INVALID_OBJECT_TYPE') },
    ]);
  });

  it('names the scopes that are missing', () => {
    const missing = ofEverybody.find(({ status }) => status === 403);
    expect(judge(answer({ status: 403, body: missing?.body }))).toMatchObject({
      reason: expect.stringContaining('crm.objects.contacts.write'),
    });
  });

  it('waits until midnight at most for the limit of a day, and for a migration', () => {
    const week = { 'retry-after': String(7 * 24 * 3_600) };
    for (const [status, body] of [[429, { policyName: 'DAILY' }] as const, [477, undefined] as const]) {
      const verdict = judge(answer({ status, body, headers: week }));
      expect(verdict).toMatchObject({ kind: 'wait', delayMs: 24 * 3_600_000 });
    }
  });

  it('holds a lost connection for a fault of HubSpot', () => {
    for (const failure of ['timeout', 'network', 'aborted'] as const)
      expect(judge({ ...answer({ status: null }), failure })).toMatchObject({ kind: 'fault' });
  });

  it('never throws, and finds nothing but success in a 2xx', () => {
    const statuses = fc.oneof(
      fc.constantFrom(200, 201, 202, 204, 207, 301, 400, 401, 403, 404, 409, 413, 414, 423, 429, 477, 500, 503, 524),
      fc.integer({ min: 100, max: 599 }),
    );
    fc.assert(
      fc.property(statuses, anyBody, fc.option(fc.string(), { nil: undefined }), (status, body, retryAfter) => {
        const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
        const { kind } = judge(answer({ status, body, headers }));
        expect(['answered', 'silent'].includes(kind)).toBe(status >= 200 && status < 300);
      }),
      { seed: 3, numRuns: 10_000 },
    );
  });

  it('never takes an answer without a list of results for one that speaks of each input', () => {
    fc.assert(
      fc.property(fc.constantFrom(200, 201, 202, 204, 207), anyBody, (status, body) => {
        const { results } = (body ?? {}) as { results?: unknown };
        expect(judge(answer({ status, body })).kind).toBe(Array.isArray(results) ? 'answered' : 'silent');
      }),
      { seed: 4, numRuns: 5_000 },
    );
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-28T10:00:00Z');

  it.each([
    ['10', 10_000],
    ['0', 0],
    [' 2.5 ', 2_500],
    ['Sat, 28 Nov 2026 10:00:30 GMT', 30_000],
    ['2026-11-28T10:01:00Z', 60_000],
  ])('%j is a time to wait', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms);
  });

  it.each([
    undefined,
    '',
    '  ',
    'soon',
    '-1',
    'Sat, 28 Nov 2026 09:59:59 GMT',
    'NaN',
    'Infinity',
    '1e999',
    '10 seconds',
  ])('%j is none', (header) => {
    expect(retryAfterMs(header, now)).toBeNull();
  });

  it('is a time to wait or none, whatever it holds', () => {
    const header = fc.oneof(fc.string(), fc.date().map(String), fc.double().map(String));
    fc.assert(
      fc.property(header, (text) => {
        const ms = retryAfterMs(text, now);
        expect(ms === null || (Number.isFinite(ms) && ms >= 0)).toBe(true);
      }),
      { seed: 5, numRuns: 5_000 },
    );
  });
});

function answer(part: Partial<Answer>): Answer {
  return { status: 200, headers: {}, body: undefined, latencyMs: 1, ...part };
}
