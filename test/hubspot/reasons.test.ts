import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Reason, readErrors, readReasons } from '../../src/hubspot/reasons.ts';
import { answered, ofMapping, quoting, refusing } from './bodies.ts';
import { anyBody } from './json.ts';

describe('reading why HubSpot refuses', () => {
  it.each([...quoting, ...refusing, ...ofMapping])(
    'finds code, property, value and ids: $title',
    ({ body, reasons = [] }) => {
      const read = readReasons(body);
      expect(read).toMatchObject(reasons);
      expect(read.map(isSaid('value'))).toEqual(reasons.map(isSaid('value')));
      expect(read.map(isSaid('property'))).toEqual(reasons.map(isSaid('property')));
    },
  );

  it.each(answered)('finds the errors among an answer of each input: $title', ({ body, errors = [] }) => {
    expect(readErrors(body)).toMatchObject(errors);
    expect(readErrors(body)).toHaveLength(errors.length);
  });

  it('takes a value as it stands, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }), (value) => {
        const invalid = [
          { isValid: false, message: `Email address ${value} is invalid`, error: 'INVALID_EMAIL', name: 'email' },
        ];
        const [reason] = readReasons({ message: `Property values were not valid: ${JSON.stringify(invalid)}` });
        expect(reason).toMatchObject({ code: 'INVALID_EMAIL', property: 'email', value });
      }),
      { seed: 1, numRuns: 1_000 },
    );
  });

  it('tells all that is wrong with a record, not only the first', () => {
    const inner = [
      { message: 'Email address x is invalid', error: 'INVALID_EMAIL', name: 'email' },
      { message: '"y" was not a valid number', error: 'INVALID_INTEGER', name: 'points' },
    ];
    const message = `Property values were not valid: ${JSON.stringify(inner)}`;
    const errors = [{ category: 'VALIDATION_ERROR', message, context: { objectWriteTraceId: ['1'] } }];
    expect(readErrors({ errors })).toMatchObject([
      {
        code: 'INVALID_EMAIL',
        property: 'email',
        message: 'Email address x is invalid; "y" was not a valid number',
        traceIds: ['1'],
      },
    ]);
  });

  it('keeps the messages short that list every option', () => {
    const options = Array.from({ length: 10_000 }, (_, at) => `option ${at}`).join(', ');
    const [reason] = readReasons({ message: `mauve was not one of the allowed options: [${options}]` });
    expect(reason?.value).toBe('mauve');
    expect(reason?.message.length).toBeLessThanOrEqual(4_000);
  });

  it('gives one reason at least, whatever the body', () => {
    for (const body of [undefined, null, '', 0, [], {}, { message: 5 }, { errors: [null] }, { message: 'x: [{' }]) {
      const [reason] = readReasons(body);
      expect(reason).toMatchObject({ code: 'REFUSED', message: expect.stringMatching(/./) });
    }
  });

  it('never throws, and gives nothing but text', () => {
    fc.assert(
      fc.property(anyBody, (body) => {
        const reasons = readReasons(body);
        expect(reasons.length).toBeGreaterThan(0);
        for (const reason of [...reasons, ...readErrors(body)]) expect(isText(reason)).toBe(true);
      }),
      { seed: 2, numRuns: 5_000 },
    );
  });
});

function isSaid(field: 'value' | 'property'): (reason: { value?: string; property?: string }) => boolean {
  return (reason) => reason[field] !== undefined;
}

function isText({ code, message, property = '', value = '', correlationId = '', ids, traceIds }: Reason): boolean {
  return [code, message, property, value, correlationId, ...ids, ...traceIds].every((text) => typeof text === 'string');
}
