import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { untilDelivered } from '../support/workers.ts';
import { CALL, HTML, type Misbehaving, openMisbehaving } from './misbehaving.ts';

describe('a worker whose HubSpot misbehaves for a moment', () => {
  let stage: Misbehaving;
  beforeAll(async () => {
    stage = await openMisbehaving();
  });
  afterEach(() => stage.calm());
  afterAll(() => stage?.close());

  it.each([
    ['503 and HTML', { respond: { status: 503, ...HTML } }],
    ['524 after the write', { respond: { status: 524, ...HTML }, writes: 'now' as const }],
    ['500 without a content type', { respond: { status: 500 } }],
    ['a reset', { action: 'reset' as const }],
    ['no answer at all', { action: 'hang' as const }],
    ['423 Locked', { respond: { status: 423, body: { status: 'error', message: 'locked' } } }],
    ['429 of ten seconds', { respond: { status: 429, body: { policyName: 'SECONDLY', errorType: 'RATE_LIMIT' } } }],
    ['477 with Retry-After', { respond: { status: 477, headers: { 'retry-after': '1' } } }],
    ['200 and HTML', { respond: { status: 200, ...HTML } }],
    ['200 and {}', { respond: { status: 200, body: {} } }],
    ['200 and empty results', { action: 'empty-results' as const }],
    ['200 and too few results', { action: 'drop-results' as const }],
    ['200 and half its JSON', { action: 'truncate' as const }],
    ['201 after the write', { respond: { status: 201, body: { status: 'COMPLETE' } }, writes: 'now' as const }],
    ['202 and nothing', { respond: { status: 202 } }],
  ])('poisons nobody and loses nothing over %s', async (name, fault) => {
    await stage.shop.sandbox.clearCalls();
    await stage.shop.sandbox.fault({ path: CALL, times: 2, ...fault });
    await stage.shop.application.query('UPDATE users SET last_name = ? WHERE id IN (?)', [
      name,
      stage.ids.slice(0, 16),
    ]);
    await untilDelivered(stage.shop);
    expect((await stage.calls(CALL)).filter((call) => call.fault).length).toBeGreaterThan(0);
    expect(await stage.row(stage.user(15))).toMatchObject({ status: 'synced' });
  });
});
