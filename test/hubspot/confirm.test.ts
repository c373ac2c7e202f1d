import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Confirmation, confirm, type OutboundRecord } from '../../src/hubspot/confirm.ts';
import { answered } from './bodies.ts';
import { anyBody } from './json.ts';

const CASES = { seed: 7, numRuns: 2_000 };

type Mode = 'upsert' | 'update';

/** What HubSpot did with each record, and how it tells. */
const answers = fc
  .record({
    fates: fc.array(fc.constantFrom('written', 'refused', 'not said'), { minLength: 1, maxLength: 30 }),
    mode: fc.constantFrom<Mode>('upsert', 'update'),
    isEchoing: fc.boolean(),
    order: fc.array(fc.nat(), { minLength: 40, maxLength: 40 }),
    strangers: fc.nat(3),
  })
  .map(({ fates, mode, isEchoing, order, strangers }) => {
    const records = fates.map((_, at) => recordAt(at));
    const fateOf = (fate: string) => records.filter((_, at) => fates[at] === fate);
    const results = [
      ...fateOf('written').map((record) => resultFor(record, isEchoing)),
      ...Array.from({ length: strangers }, (_, at) => resultFor(recordAt(1_000 + at), isEchoing)),
    ];
    const errors = fateOf('refused').map(errorFor);
    const shuffled = results
      .map((result, at) => ({ result, at: order[at] ?? 0 }))
      .sort((a, b) => a.at - b.at)
      .map(({ result }) => result);
    return { records, mode, fateOf, body: { status: 'COMPLETE', results: shuffled, errors } };
  });

describe('confirming what HubSpot answers of each input', () => {
  it('gives each record its own fate, in any order, with trace ids echoed or not', () => {
    fc.assert(
      fc.property(answers, ({ records, mode, fateOf, body }) => {
        const { delivered, refused, unknown, missing, mapping } = confirm(records, body, 'email', mode);
        expect(delivered).toEqual(
          fateOf('written').map(({ sourceId, hubspotId }) => ({ sourceId, hubspotId: String(hubspotId) })),
        );
        expect(refused.map(({ sourceId }) => sourceId)).toEqual(idsOf(fateOf('refused')));
        expect(unknown).toEqual(idsOf(fateOf('not said')));
        expect({ missing, mapping }).toEqual({ missing: [], mapping: null });
      }),
      CASES,
    );
  });

  it('confirms nothing by two results for one record', () => {
    fc.assert(
      fc.property(answers, fc.nat(), fc.boolean(), ({ records, mode, fateOf, body }, at, isSameId) => {
        const written = fateOf('written');
        const twice = written[at % Math.max(1, written.length)];
        const again = body.results.find(({ properties }) => properties.email === twice?.matchValue);
        fc.pre(twice !== undefined && again !== undefined);
        const results = [...body.results, isSameId || mode === 'update' ? again : { ...again, id: '999' }];
        const { delivered, unknown } = confirm(records, { ...body, results }, 'email', mode);
        expect(unknown).toContain(twice?.sourceId);
        expect(delivered).toHaveLength(written.length - 1);
      }),
      CASES,
    );
  });

  it('never confirms a record without a result of its own', () => {
    const records = [recordAt(1), recordAt(2)];
    const result = fc.record({
      id: fc.constantFrom<unknown>('701', '702', 703, null, {}),
      objectWriteTraceId: fc.constantFrom<unknown>('trace-1', 'trace-2', 'trace-3', undefined, undefined, 5),
      properties: fc.oneof(
        fc.record({
          email: fc.constantFrom<unknown>('user1@example.com', 'USER2@example.com', 'user3@example.com', 5),
        }),
        fc.constantFrom(null, undefined, 'user1@example.com'),
      ),
    });
    let confirmed = 0;
    fc.assert(
      fc.property(fc.array(result, { maxLength: 4 }), fc.constantFrom<Mode>('upsert', 'update'), (results, mode) => {
        const confirmation = confirm(records, { results }, 'email', mode);
        expect(listed(confirmation)).toEqual(idsOf(records));
        for (const { sourceId, hubspotId } of confirmation.delivered) {
          const record = records.find((each) => each.sourceId === sourceId);
          const own = results.filter(({ id, objectWriteTraceId, properties }) => {
            if (typeof objectWriteTraceId === 'string') return objectWriteTraceId === record?.traceId;
            if (mode === 'update') return String(id) === record?.hubspotId;
            const email = String((properties as { email?: unknown } | null | undefined)?.email).toLowerCase();
            return email === record?.matchValue;
          });
          expect(own.map(({ id }) => String(id))).toContain(hubspotId);
          confirmed += 1;
        }
      }),
      CASES,
    );
    expect(confirmed).toBeGreaterThan(100);
  });

  it('never throws and loses no record, whatever the body', () => {
    const records = [{ ...recordAt(1), matchValue: 'x@y.example', properties: { email: 'x@y.example' } }, recordAt(2)];
    fc.assert(
      fc.property(anyBody, fc.constantFrom<Mode>('upsert', 'update'), (body, mode) => {
        expect(listed(confirm(records, body, 'email', mode))).toEqual(idsOf(records));
      }),
      { seed: 8, numRuns: 5_000 },
    );
  });

  it('accounts for every record once, with errors of every kind', () => {
    const error = fc.record({
      category: fc.constantFrom('VALIDATION_ERROR', 'OBJECT_NOT_FOUND', 'PROPERTY_DOESNT_EXIST'),
      message: fc.string(),
      context: fc.record(
        {
          objectWriteTraceId: fc.array(fc.integer({ min: 0, max: 5 }).map((at) => recordAt(at).traceId)),
          ids: fc.array(fc.integer({ min: 0, max: 5 }).map((at) => `user${at}@example.com`)),
        },
        { requiredKeys: [] },
      ),
    });
    fc.assert(
      fc.property(answers, fc.array(error, { maxLength: 4 }), ({ records, mode, body }, errors) => {
        const confirmation = confirm(records, { ...body, errors: [...body.errors, ...errors] }, 'email', mode);
        expect(listed(confirmation)).toEqual(idsOf(records).sort());
      }),
      CASES,
    );
  });

  it('finds a record by its e-mail in any case, and takes a custom property as it stands', () => {
    const record = recordAt(1);
    const shouted = { results: [{ id: '5', properties: { email: ' USER1@Example.com ' } }] };
    expect(confirm([record], shouted, 'email', 'upsert').delivered).toEqual([{ sourceId: 's1', hubspotId: '5' }]);
    const byNumber = { ...record, matchValue: 'AB-1' };
    const lower = { results: [{ id: '5', properties: { number: 'ab-1' } }] };
    expect(confirm([byNumber], lower, 'number', 'upsert').unknown).toEqual(['s1']);
    const own = { results: [{ id: 5, properties: { number: 'AB-1' } }] };
    expect(confirm([byNumber], own, 'number', 'upsert').delivered).toEqual([{ sourceId: 's1', hubspotId: '5' }]);
  });

  it('takes an echo of the trace id for proof, whichever e-mail of the contact stands beside it', () => {
    const record = recordAt(1);
    const body = {
      results: [{ id: '5', objectWriteTraceId: record.traceId, properties: { email: 'first@example.com' } }],
    };
    expect(confirm([record], body, 'email', 'upsert').delivered).toEqual([{ sourceId: 's1', hubspotId: '5' }]);
  });

  it('does not confirm by the e-mail of a result that is another record’s by its trace id', () => {
    const [one, other] = [recordAt(1), recordAt(2)];
    const body = { results: [{ id: '5', objectWriteTraceId: other.traceId, properties: { email: one.matchValue } }] };
    const { delivered, unknown } = confirm([one, other], body, 'email', 'upsert');
    expect({ delivered, unknown }).toEqual({ delivered: [{ sourceId: 's2', hubspotId: '5' }], unknown: ['s1'] });
  });

  it('says why a record is refused: code, property, value, and HubSpot’s own reference', () => {
    const body = answered[0]?.body;
    const [bad, good] = [
      { ...recordAt(1), traceId: '5002', properties: { email: 'example.lcom', firstname: 'Ex' } },
      { ...recordAt(2), matchValue: 'ok@example.com' },
    ];
    expect(confirm([bad, good], body, 'email', 'upsert')).toEqual({
      delivered: [{ sourceId: 's2', hubspotId: '12345' }],
      refused: [
        {
          sourceId: 's1',
          code: 'INVALID_EMAIL',
          property: 'email',
          value: 'example.lcom',
          message: 'Email address example.lcom is invalid',
          correlationId: '8a3f6c3a-4a1e-4f6e-9d1c-0f8f0e8d5a11',
        },
      ],
      missing: [],
      unknown: [],
      mapping: null,
    });
  });

  it('tells a record that is gone from HubSpot from one that is refused', () => {
    const gone = { ...recordAt(1), hubspotId: 'unknownIdentifier888' };
    expect(confirm([gone, recordAt(2)], answered[1]?.body, 'email', 'update')).toMatchObject({
      missing: ['s1'],
      refused: [],
      unknown: ['s2'],
    });
  });

  it('knows an error by the id a record was sent under, not by one it only resembles', () => {
    const [one, other] = [
      { ...recordAt(1), matchValue: '77' },
      { ...recordAt(2), hubspotId: '77' },
    ];
    const body = { results: [], errors: [{ category: 'VALIDATION_ERROR', message: 'no', context: { ids: ['77'] } }] };
    expect(idsRefused(confirm([one, other], body, 'number', 'upsert'))).toEqual(['s1']);
    expect(idsRefused(confirm([one, other], body, 'number', 'update'))).toEqual(['s2']);
  });

  it('gives an error that names nobody to the one record left, and to nobody when it could be another’s', () => {
    const records = [recordAt(1), recordAt(2), recordAt(3)];
    const error = { category: 'VALIDATION_ERROR', message: 'no' };
    const results = records.map((record) => resultFor(record, false));
    const oneLeft = { results: results.slice(0, 2), errors: [error] };
    expect(idsRefused(confirm(records, oneLeft, 'email', 'upsert'))).toEqual(['s3']);
    const twoLeft = { results: results.slice(0, 1), errors: [error] };
    expect(confirm(records, twoLeft, 'email', 'upsert')).toMatchObject({ refused: [], unknown: ['s2', 's3'] });
    const twoErrors = { results: results.slice(0, 2), errors: [error, error] };
    expect(confirm(records, twoErrors, 'email', 'upsert')).toMatchObject({ refused: [], unknown: ['s3'] });
    const aResultToSpare = { results: [...results, results[2]], errors: [error] };
    expect(confirm(records, aResultToSpare, 'email', 'upsert')).toMatchObject({ refused: [], unknown: ['s3'] });
  });

  it('holds nothing against a record when the mapping is at fault', () => {
    const record = recordAt(1);
    const inner = [{ error: 'PROPERTY_DOESNT_EXIST', name: 'gone', message: 'Property "gone" does not exist' }];
    const message = `Property values were not valid: ${JSON.stringify(inner)}`;
    for (const context of [{ objectWriteTraceId: [record.traceId] }, undefined]) {
      const body = { results: [], errors: [{ category: 'VALIDATION_ERROR', message, context }] };
      expect(confirm([record, recordAt(2)], body, 'email', 'upsert')).toMatchObject({
        refused: [],
        unknown: ['s1', 's2'],
        mapping: { code: 'PROPERTY_DOESNT_EXIST', reason: expect.stringContaining('gone') },
      });
    }
  });
});

function recordAt(at: number): OutboundRecord {
  const email = `user${at}@example.com`;
  return { sourceId: `s${at}`, hubspotId: `70${at}`, matchValue: email, properties: { email }, traceId: `trace-${at}` };
}

/** As HubSpot gives it: the trace id of its input only perhaps. */
function resultFor({ hubspotId, matchValue, traceId }: OutboundRecord, isEchoing: boolean) {
  const properties = { email: matchValue, hs_object_id: hubspotId };
  return { id: String(hubspotId), properties, archived: false, ...(isEchoing ? { objectWriteTraceId: traceId } : {}) };
}

function errorFor({ traceId }: OutboundRecord) {
  return { status: 'error', category: 'VALIDATION_ERROR', message: 'no', context: { objectWriteTraceId: [traceId] } };
}

function idsOf(records: readonly OutboundRecord[]): string[] {
  return records.map(({ sourceId }) => sourceId);
}

function idsRefused({ refused }: Confirmation): string[] {
  return refused.map(({ sourceId }) => sourceId);
}

function listed({ delivered, refused, missing, unknown }: Confirmation): string[] {
  return [...[...delivered, ...refused].map(({ sourceId }) => sourceId), ...missing, ...unknown].sort();
}
